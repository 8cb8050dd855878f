import type { Fault } from '../fault.ts';

/** What several nodes are for: writers go on with the others. Who has only one stands still. */
export default {
  title: 'One Redis node is down for longer than a lease (of several, or the only one)',
  strikes: 'redis',
  events: ['lease lost'],
  eventsFor: ({ one }) => (one ? ['lease lost'] : []),
  harm: 'outage',
  control: { hazardsUnder: 'lease lost' },
  outageFor: ({ one }) => one,
  phases: ['holding', 'commit sent', 'written', 'granted'],
  needs: [],
  spares: (_strategy, { one, several }) =>
    one || several ? undefined : 'it keeps nothing in Redis',
  lastsMs: ({ leaseMs }) => 1.5 * leaseMs,
  leastMs: ({ leaseMs }) => 1.2 * leaseMs,
  async inject({ redis: [first] }) {
    await first?.kill();
  },
  async heal({ redis: [first] }) {
    await first?.restart();
  },
} satisfies Fault;
