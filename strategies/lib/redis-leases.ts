import { randomFillSync } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Backends } from '../../src/contract/index.ts';
import type { PolledStore } from './lease-guardian.ts';
import { inspectLeases, placesOf, releaseLease } from './lease-view.ts';
import { Orphans } from './orphans.ts';
import { connected, redisFailure, Script } from './redis-script.ts';

/** Keys in Redis whose value says who owns them. */
export interface OwnedKeys {
  readonly keys: readonly string[];
  /** Random: only who took the keys can give them back or prolong them. */
  readonly token: string;
}

/** Name of the Redis key that stands for a resource key. */
export function lockKey(key: string): string {
  return `lockstep:lock:${key}`;
}

// several keys: all or none, in one step
const takeAll = new Script(`
for _, key in ipairs(KEYS) do
  if redis.call('exists', key) == 1 then return 0 end
end
for _, key in ipairs(KEYS) do
  redis.call('set', key, ARGV[1], 'px', ARGV[2])
end
return 1
`);

/** pexpire, never set: a lease that is gone may have been somebody else's in between */
export const extendOwned = new Script(`
for _, key in ipairs(KEYS) do
  if redis.call('get', key) ~= ARGV[1] then return 0 end
end
for _, key in ipairs(KEYS) do
  redis.call('pexpire', key, ARGV[2])
end
return 1
`);

// only our own: after the lease it may be somebody else's
const deleteOwned = new Script(`
local given = 0
for _, key in ipairs(KEYS) do
  if redis.call('get', key) == ARGV[1] then
    given = given + redis.call('del', key)
  end
end
return given
`);

type Server = Pick<Backends, 'redis' | 'sleep'>;

/** Leases on one Redis: SET NX PX with an owner's token, compare-and-pexpire, compare-and-delete. */
export function redisLeases(backends: Server): PolledStore<OwnedKeys> {
  return ownedLeases(backends, setIfFree);
}

/** The same, where `set` takes all keys in one step and says what was granted; undefined: not all are free. */
export function ownedLeases<G extends OwnedKeys>(
  { redis, sleep }: Server,
  set: (redis: Redis, owned: OwnedKeys, leaseMs: number) => Promise<G | undefined>,
): PolledStore<G> {
  const orphans = new Orphans({ sleep });
  const places = placesOf('redis', [redis]);

  /** An answer, or what Redis refused and the keys cleared away: they may be there all the same. */
  const orOrphaned = async <T>(owned: OwnedKeys, answer: Promise<T>) => {
    try {
      return await answer;
    } catch (error) {
      orphans.add(() => deleteOwned.runText(redis, owned.keys, [owned.token]));
      throw redisFailure(error);
    }
  };

  return {
    pauseMaxMs: 50,
    singly: redis.isCluster,
    async take(resources, leaseMs) {
      if (redis.status !== 'ready') await connected(redis);
      const owned = { keys: resources.map(lockKey), token: newToken() };
      return orOrphaned(owned, set(redis, owned, leaseMs));
    },
    async extend(owned, leaseMs) {
      try {
        const answer = await extendOwned.run(redis, owned.keys, [owned.token, leaseMs]);
        return answer === 1 ? owned : undefined;
      } catch (error) {
        throw redisFailure(error);
      }
    },
    async give(owned) {
      const answer = deleteOwned.run(redis, owned.keys, [owned.token]);
      return (await orOrphaned(owned, answer)) === owned.keys.length;
    },
    inspect: resources => assertNoMisuse(redis, resources),
    async close() {
      orphans.close();
    },
    view: (resource, leaseMs) => inspectLeases(places, lockKey(resource), leaseMs),
    async release(resource, holder) {
      const key = lockKey(resource);
      return releaseLease(places, key, holder, deletes(key)).catch(error => {
        throw redisFailure(error);
      });
    },
  };
}

/** Compares the token and deletes, at any server. */
export function deletes(key: string): (redis: Redis, token: string) => Promise<boolean> {
  return async (redis, token) => (await deleteOwned.run(redis, [key], [token])) === 1;
}

/**
 * Throws `Failure('lock-key-misused')` where a key holds something that is no lock: to SET NX and
 * EXISTS it is as taken as a lease, for ever. A foreign string cannot be told from somebody's token.
 */
export async function assertNoMisuse(redis: Redis, resources: readonly string[]): Promise<void> {
  const answers = resources.map(lockKey).map(key => redis.get(key));
  for (const answer of await Promise.allSettled(answers))
    if (answer.status === 'rejected') throw redisFailure(answer.reason);
}

const tokenBytes = 16;
const random = Buffer.alloc(256 * tokenBytes); // one call of the generator for many tokens
let used = random.length;

/** Nobody can guess it, and nobody else has it. */
export function newToken(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += tokenBytes;
  return random.toString('base64url', used - tokenBytes, used);
}

async function setIfFree(
  redis: Redis,
  owned: OwnedKeys,
  leaseMs: number,
): Promise<OwnedKeys | undefined> {
  const { keys, token } = owned;
  const [first, ...others] = keys;
  const taken =
    first !== undefined && others.length === 0
      ? (await redis.set(first, token, 'PX', leaseMs, 'NX')) === 'OK'
      : (await takeAll.run(redis, keys, [token, leaseMs])) === 1;
  return taken ? owned : undefined;
}
