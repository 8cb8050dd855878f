import type { Fault } from '../fault.ts';

/** A majority is gone: nobody gets a lock, and whoever holds one cannot prolong it. */
export default {
  title: 'Two Redis nodes are down for longer than a lease (of three, or the only one)',
  strikes: 'redis',
  events: ['lease lost'],
  harm: 'outage',
  control: { hazardsUnder: 'lease lost' },
  phases: ['holding', 'commit sent', 'written', 'granted'],
  needs: [],
  spares: (_strategy, { one, several }) =>
    one || several ? undefined : 'it keeps nothing in Redis',
  lastsMs: ({ leaseMs }) => 1.5 * leaseMs,
  leastMs: ({ leaseMs }) => 1.2 * leaseMs,
  async inject({ redis }) {
    await Promise.all(redis.slice(0, 2).map(server => server.kill()));
  },
  async heal({ redis }) {
    await Promise.all(redis.slice(0, 2).map(server => server.restart()));
  },
} satisfies Fault;
