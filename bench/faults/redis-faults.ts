/** What the faults of Redis have in common. */
import type { Fault } from './fault.ts';

type Parts = Omit<Fault, 'strikes' | 'events' | 'control' | 'needs' | 'spares'> &
  Partial<Pick<Fault, 'needs'>>;

/** A fault of every node of several, or of the only one: who holds a lease loses it. */
export function redisFault(parts: Parts): Fault {
  return {
    strikes: 'redis',
    events: ['lease lost'],
    control: { hazardsUnder: 'lease lost' },
    needs: [],
    spares: (_strategy, { one, several }) =>
      one || several ? undefined : 'it keeps nothing in Redis',
    ...parts,
  };
}

/** A fault of one node: where there are several, the others have the lease. */
export function oneNodeFault(parts: Omit<Parts, 'eventsFor'>): Fault {
  return redisFault({ eventsFor: ({ one }) => (one ? ['lease lost'] : []), ...parts });
}

/** A lease that is forgotten: at once, or by whoever takes over. */
export const forgets = {
  harm: 'violation',
  phases: ['commit sent', 'written', 'holding', 'commit applied'],
  // a COMMIT that is held for 2 s is given up by its client
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async heal() {},
} as const satisfies Partial<Fault>;

/** Nothing is granted or prolonged for longer than a lease. */
export const outlastsLease = {
  harm: 'outage',
  lastsMs: ({ leaseMs }) => 1.5 * leaseMs,
  leastMs: ({ leaseMs }) => 1.2 * leaseMs,
} as const satisfies Partial<Fault>;

/** So many of the nodes are killed, and come back empty at once. */
export function emptied(title: string, nodes: 'one' | 'all'): Fault {
  const make = nodes === 'one' ? oneNodeFault : redisFault;
  return make({
    ...forgets,
    title,
    async inject({ redis }) {
      const struck = nodes === 'one' ? redis.slice(0, 1) : redis;
      await Promise.all(struck.map(server => server.kill()));
      await Promise.all(struck.map(server => server.restart()));
    },
  });
}

/** So many of the nodes are down. */
export function down(title: string, nodes: 1 | 2): Fault {
  const parts: Parts = {
    ...outlastsLease,
    title,
    phases: ['holding', 'commit sent', 'written', 'granted'],
    async inject({ redis }) {
      await Promise.all(redis.slice(0, nodes).map(server => server.kill()));
    },
    async heal({ redis }) {
      await Promise.all(redis.slice(0, nodes).map(server => server.restart()));
    },
  };
  return nodes === 1 ? oneNodeFault({ ...parts, outageFor: ({ one }) => one }) : redisFault(parts);
}
