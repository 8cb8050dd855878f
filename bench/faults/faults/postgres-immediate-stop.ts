import type { Fault } from '../fault.ts';

/** Every session ends, every open transaction is undone, and what was committed comes back by recovery. */
export default {
  title: 'Postgres is stopped at once and started again (SIGQUIT, recovery)',
  strikes: 'postgres',
  events: ['session lost'],
  harm: 'outage',
  control: 'no protection',
  phases: ['commit applied', 'commit sent', 'written', 'holding'],
  needs: [],
  lastsMs: ({ leaseMs }) => leaseMs,
  async inject({ postgres, pause, times }) {
    await postgres.kill();
    await pause(times.leaseMs / 2);
    await postgres.restart();
  },
  async heal() {},
} satisfies Fault;
