import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { strategy } from '../../../src/contract/index.ts';
import { leaseGuardian } from '../../../strategies/lib/lease-guardian.ts';
import { lockKey, type OwnedKeys, redisLeases } from '../../../strategies/lib/redis-leases.ts';
import { connected, redisFailure } from '../../../strategies/lib/redis-script.ts';

/**
 * The value of a lock is the time of its end, and whoever asks compares it with its own clock: the pattern
 * that the manual of SETNX has carried for long (https://redis.io/docs/latest/commands/setnx/).
 */
export default strategy({
  title: 'SETNX with the time of its end, by the clock of whoever asks',
  turns: [
    {
      heldBy: 'lease',
      until: 'commit',
      async open(backends, tuning) {
        const leases = redisLeases(backends);
        const take = (resources: readonly string[], leaseMs: number) =>
          takenUntil(backends.redis, resources.map(lockKey), leaseMs);
        return leaseGuardian({ ...leases, take }, backends, tuning);
      },
    },
  ],
  hazard: {
    why: 'a clock that is stepped forward ends the locks of everybody else',
    under: ['lease lost'],
    cure: 'redis-lease',
  },
  lockSpace: 'redis leases',
  adoption: { newDependency: 'redis' },
  compared: 'on request',
});

async function takenUntil(
  redis: Redis,
  keys: readonly string[],
  leaseMs: number,
): Promise<OwnedKeys | undefined> {
  const token = `${Date.now() + leaseMs} ${randomBytes(16).toString('base64url')}`;
  const taken: string[] = [];
  await connected(redis);
  try {
    for (const key of keys) {
      if (!(await takes(redis, key, token))) {
        if (taken.length > 0) await redis.del(...taken);
        return undefined;
      }
      taken.push(key);
    }
    return { keys, token };
  } catch (error) {
    throw redisFailure(error);
  }
}

async function takes(redis: Redis, key: string, token: string): Promise<boolean> {
  if ((await redis.setnx(key, token)) === 1) return true;
  const held = await redis.get(key);
  if (held !== null && Number.parseInt(held, 10) > Date.now()) return false;
  return (await redis.getset(key, token)) === held; // of several who see it ended, the first
}
