import type { Fault } from '../fault.ts';

/** It accepts connections and answers nothing; its leases pass meanwhile, and what was sent is done late. */
export default {
  title: 'Redis stands still for longer than a lease (every node of several; SIGSTOP, SIGCONT)',
  strikes: 'redis',
  events: ['lease lost'],
  harm: 'outage',
  control: { hazardsUnder: 'lease lost' },
  phases: ['commit sent', 'granted', 'holding', 'written', 'releasing'],
  needs: [],
  spares: (_strategy, { one, several }) =>
    one || several ? undefined : 'it keeps nothing in Redis',
  lastsMs: ({ leaseMs }) => 1.5 * leaseMs,
  leastMs: ({ leaseMs }) => 1.2 * leaseMs,
  async inject({ redis }) {
    for (const server of redis) server.signal('SIGSTOP');
  },
  async heal({ redis }) {
    for (const server of redis) server.signal('SIGCONT');
  },
} satisfies Fault;
