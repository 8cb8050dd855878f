import type { Redis } from 'ioredis';
import type { LeaseStore } from './lease.ts';
import { inspectLeases, placesOf, releaseLease } from './lease-view.ts';
import { deletes, lockKey } from './redis-leases.ts';
import { redisFailure } from './redis-script.ts';

/** What every node says, each for itself: who has a majority of them has the lock. */
export function nodeView(
  nodes: readonly Redis[],
): Required<Pick<LeaseStore<unknown>, 'view' | 'release'>> {
  const places = placesOf('redis node', nodes);
  return {
    view: (resource, leaseMs) => inspectLeases(places, lockKey(resource), leaseMs),
    async release(resource, holder) {
      const key = lockKey(resource);
      return releaseLease(places, key, holder, deletes(key)).catch(error => {
        throw redisFailure(error);
      });
    },
  };
}
