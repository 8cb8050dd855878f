import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { LockRelease, LockState, LockWaiter } from '../../src/contract/index.ts';

/** Names an owner's token without telling it: with the token itself anybody could give the lock back. */
export function holderOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 16);
}

/** One server that may have the lease. */
export interface LeasePlace {
  readonly at: string;
  readonly redis: Redis;
}

/** The only server, or the nodes of Redlock. */
export function placesOf(name: string, servers: readonly Redis[]): readonly LeasePlace[] {
  if (servers.length === 1) return servers.map(redis => ({ at: name, redis }));
  return servers.map((redis, index) => ({ at: `${name} ${index + 1}`, redis }));
}

type Waiters = (redis: Redis) => Promise<readonly LockWaiter[]>;

/** What each server says of a key. Never rejects. */
export function inspectLeases(
  places: readonly LeasePlace[],
  key: string,
  leaseMs: number,
  waitersAt: Waiters = async () => [],
): Promise<readonly LockState[]> {
  return Promise.all(
    places.map(async ({ at, redis }): Promise<LockState> => {
      const state = { kind: 'lease', at } as const;
      try {
        const [token, leftMs] = await Promise.all([redis.get(key), redis.pttl(key)]);
        const waiters = await waitersAt(redis);
        if (token === null) return { ...state, holders: [], waiters };
        const lease =
          leftMs < 0 // it never ends: whoever took it died before it said how long
            ? {}
            : { remainingMs: leftMs, renewedMsAgo: Math.max(0, leaseMs - leftMs) };
        return { ...state, holders: [{ holder: holderOf(token), ...lease }], waiters };
      } catch (error) {
        const unknown = error instanceof Error ? error.message : String(error);
        return { ...state, holders: [], waiters: [], unknown };
      }
    }),
  );
}

/**
 * Gives back, at every server that has it, the lease of this holder; `give` compares the token again
 * where it deletes. `released` where one server did; rejects where none did and one did not answer.
 */
export async function releaseLease(
  places: readonly LeasePlace[],
  key: string,
  holder: string,
  give: (redis: Redis, token: string) => Promise<boolean>,
): Promise<LockRelease> {
  const ends = await Promise.allSettled(
    places.map(async ({ redis }): Promise<LockRelease> => {
      const token = await redis.get(key);
      if (token === null) return 'free';
      if (holderOf(token) !== holder) return 'changed';
      return (await give(redis, token)) ? 'released' : 'free';
    }),
  );
  const told = ends.flatMap(end => (end.status === 'fulfilled' ? [end.value] : []));
  if (told.includes('released')) return 'released';
  const failed = ends.find(end => end.status === 'rejected');
  if (failed) throw failed.reason;
  return told.includes('changed') ? 'changed' : 'free';
}
