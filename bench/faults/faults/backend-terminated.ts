import type { Fault } from '../fault.ts';

/** An operator or a time limit ends the connection that does the work: its transaction is undone. */
export default {
  title: 'The backend that does the work of the command is terminated (pg_terminate_backend)',
  strikes: 'postgres',
  events: [],
  harm: 'lost acknowledgement',
  manner: 'asks again',
  control: { without: 'its caller takes silence for a yes' },
  phases: ['commit sent', 'commit applied', 'written', 'holding', 'granted', 'waiting'],
  needs: [],
  // a COMMIT that is held for 2 s is given up by its client
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async inject({ sql, backends }) {
    const pids = backends.flatMap(({ work }) => (work === undefined ? [] : [work]));
    await sql('select pg_terminate_backend(pid) from unnest($1::integer[]) as pid', [
      `{${pids.join()}}`,
    ]);
  },
  async heal() {},
} satisfies Fault;
