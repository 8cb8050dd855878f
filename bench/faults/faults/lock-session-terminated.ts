import type { Fault } from '../fault.ts';

/** An operator, a time limit or a pooler ends the connection that holds the lock, and no other. */
export default {
  title: 'The backend that holds a session lock is terminated (pg_terminate_backend)',
  strikes: 'postgres',
  events: ['session lost'],
  harm: 'violation',
  control: 'no protection',
  phases: ['commit sent', 'written', 'holding'],
  needs: [],
  spares: ({ turns }) =>
    turns.some(({ heldBy }) => heldBy === 'session') ? undefined : 'it holds no session lock',
  // a COMMIT that is held for 2 s is given up by its client
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async inject({ sql, backends }) {
    for (const { locks } of backends)
      if (locks !== undefined)
        await sql('select pg_terminate_backend($1::integer)', [String(locks)]);
  },
  async heal() {},
} satisfies Fault;
