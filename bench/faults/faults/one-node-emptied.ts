import type { Fault } from '../fault.ts';

/** What several nodes are for: one of them forgets, the others remember. For a single one it is all there is. */
export default {
  title: 'One Redis node is killed and comes back empty (of several, or the only one)',
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
  async inject({ redis: [first] }) {
    await first?.kill();
    await first?.restart();
  },
  async heal() {},
} satisfies Fault;
