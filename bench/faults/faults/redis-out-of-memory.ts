import type { Fault } from '../fault.ts';

/** It refuses every write, and still gives back: what is locked is released, nothing new is locked. */
export default {
  title: 'Redis is out of memory and refuses writes (every node of several)',
  strikes: 'redis',
  events: ['lease lost'],
  harm: 'outage',
  control: { hazardsUnder: 'lease lost' },
  phases: ['commit sent', 'holding', 'written'],
  needs: [],
  spares: (_strategy, { one, several }) =>
    one || several ? undefined : 'it keeps nothing in Redis',
  lastsMs: ({ leaseMs }) => 1.5 * leaseMs,
  leastMs: ({ leaseMs }) => 1.2 * leaseMs,
  async inject({ redis }) {
    await Promise.all(redis.map(server => server.say('config', 'set', 'maxmemory', '1')));
  },
  async heal({ redis }) {
    await Promise.all(redis.map(server => server.say('config', 'set', 'maxmemory', '0')));
  },
} satisfies Fault;
