import type { Fault } from '../fault.ts';

/** A restart without persistence, or a failover to an empty replica: every lease is forgotten at once. */
export default {
  title: 'Redis is killed and comes back empty (every node of several)',
  strikes: 'redis',
  events: ['lease lost'],
  harm: 'violation',
  control: { hazardsUnder: 'lease lost' },
  phases: ['commit sent', 'written', 'holding', 'commit applied'],
  needs: [],
  spares: (_strategy, { one, several }) =>
    one || several ? undefined : 'it keeps nothing in Redis',
  // a COMMIT that is held for 2 s is given up by its client
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async inject({ redis }) {
    await Promise.all(redis.map(server => server.kill()));
    await Promise.all(redis.map(server => server.restart()));
  },
  async heal() {},
} satisfies Fault;
