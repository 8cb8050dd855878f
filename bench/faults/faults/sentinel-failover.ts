import type { Fault } from '../fault.ts';
import { replaceService } from '../replace.ts';
import { type WatchedRedis, watchedRedis } from '../sentinels.ts';
import type { Lab } from '../stage.ts';

/** Longer than a failover takes: else the lease would pass by itself. */
const leaseMs = 12_000;
const waitMs = 8_000;
const lastsMs = 6_000;

interface Watch {
  readonly redis: WatchedRedis;
  used: boolean;
}
const watches = new WeakMap<Lab, Watch>();

async function watch(lab: Lab): Promise<void> {
  const redis = await watchedRedis(lab.keeper, lab.signal);
  watches.get(lab)?.redis.end();
  watches.set(lab, { redis, used: false });
  const times = { LEASE_MS: String(leaseMs), WAIT_MS: String(waitMs) };
  await replaceService(lab.service, { REDIS_URL: redis.url, ...times });
}

/**
 * What sentinels are for: nobody is called, and seconds later there is another primary. Replication to it
 * is asynchronous: the newest locks are forgotten, and granted again while their holders work.
 */
export default {
  title:
    'A Redis that three sentinels watch is killed, and its replica takes over without the last writes',
  strikes: 'redis',
  events: ['lease lost'],
  harm: 'violation',
  control: { hazardsUnder: 'lease lost' },
  phases: ['holding', 'written'],
  needs: [],
  spares: (_strategy, { one, several }) => {
    if (several) return 'a node of several that fails over is no independent node: it is refused';
    return one ? undefined : 'it keeps nothing in Redis';
  },
  lastsMs: () => lastsMs,
  async surroundings(lab) {
    await watch(lab);
    return {
      async renew() {
        if (watches.get(lab)?.used) await watch(lab);
      },
      async close() {
        await replaceService(lab.service);
        watches.get(lab)?.redis.end();
      },
    };
  },
  async prepare({ lab }) {
    await watches.get(lab)?.redis.cutReplication();
  },
  async inject({ lab }) {
    const watched = watches.get(lab);
    if (!watched) throw new Error('there is no Redis behind sentinels');
    watched.used = true;
    watched.redis.killPrimary();
    await watched.redis.failedOver();
  },
  async heal() {},
} satisfies Fault;
