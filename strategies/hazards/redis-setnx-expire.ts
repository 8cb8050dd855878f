import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { strategy } from '../../src/contract/index.ts';
import { leaseGuardian } from '../lib/lease-guardian.ts';
import { lockKey, type OwnedKeys, redisLeases } from '../lib/redis-leases.ts';
import { connected, redisFailure } from '../lib/redis-script.ts';

/** SETNX, then EXPIRE as a second command: whoever dies between them leaves a key that never ends. */
export default strategy({
  title: 'SETNX, then EXPIRE as a second command',
  turns: [
    {
      heldBy: 'lease',
      until: 'commit',
      async open(backends, tuning) {
        const leases = redisLeases(backends);
        const take = (resources: readonly string[], leaseMs: number) =>
          setThenExpire(backends.redis, resources.map(lockKey), leaseMs);
        return leaseGuardian({ ...leases, take }, backends, tuning);
      },
    },
  ],
  hazard: {
    why: 'a crash between SETNX and EXPIRE leaves a key that nobody gives back and that never ends',
    under: ['crash'],
    cure: 'redis-lease',
  },
  lockSpace: 'redis leases',
  adoption: { newDependency: 'redis' },
  compared: 'on request',
});

async function setThenExpire(
  redis: Redis,
  keys: readonly string[],
  leaseMs: number,
): Promise<OwnedKeys | undefined> {
  const token = randomBytes(16).toString('base64url');
  const taken: string[] = [];
  await connected(redis);
  try {
    for (const key of keys) {
      if ((await redis.setnx(key, token)) === 0) {
        if (taken.length > 0) await redis.del(...taken);
        return undefined;
      }
      taken.push(key);
      await redis.pexpire(key, leaseMs);
    }
    return { keys, token };
  } catch (error) {
    throw redisFailure(error);
  }
}
