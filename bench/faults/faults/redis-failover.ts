import type { Fault } from '../fault.ts';

/**
 * Replication is asynchronous: a primary that dies before it has passed on the last writes is followed by
 * one that never heard of the newest locks, while its counters go on from where they were.
 */
export default {
  title: 'Redis fails over to a replica that never got the last writes (one node of several)',
  strikes: 'redis',
  events: ['lease lost'],
  eventsFor: ({ one }) => (one ? ['lease lost'] : []),
  harm: 'violation',
  control: { hazardsUnder: 'lease lost' },
  phases: ['commit sent', 'written', 'holding', 'commit applied'],
  needs: [],
  spares: (_strategy, { one, several }) =>
    one || several ? undefined : 'it keeps nothing in Redis',
  // a COMMIT that is held for 2 s is given up by its client
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async prepare({ redis: [first] }) {
    await first?.standBy();
  },
  async inject({ redis: [first] }) {
    await first?.failOver();
  },
  async heal() {},
} satisfies Fault;
