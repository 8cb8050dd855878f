import type { Fault } from '../fault.ts';

/** Connections stay open and nothing answers: what a host that swaps or migrates looks like. */
export default {
  title: 'Postgres stands still, every backend of it (SIGSTOP, SIGCONT)',
  strikes: 'postgres',
  events: [],
  harm: 'outage',
  control: 'no protection',
  phases: ['commit sent', 'commit applied', 'written', 'holding'],
  needs: [],
  lastsMs: ({ leaseMs }) => 1.5 * leaseMs,
  leastMs: ({ leaseMs }) => 1.2 * leaseMs,
  async inject({ postgres }) {
    postgres.signal('SIGSTOP');
  },
  async heal({ postgres }) {
    postgres.signal('SIGCONT');
  },
} satisfies Fault;
