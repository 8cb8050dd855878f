import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { strategy } from '../../../src/contract/index.ts';
import { leaseGuardian } from '../../../strategies/lib/lease-guardian.ts';
import { lockKey, type OwnedKeys, redisLeases } from '../../../strategies/lib/redis-leases.ts';
import { connected, redisFailure, Script } from '../../../strategies/lib/redis-script.ts';

/** Compares and sets in one step, so that nothing but the clock is wrong with it. */
const takeEnded = new Script(`
for _, key in ipairs(KEYS) do
  local held = redis.call('get', key)
  if held and tonumber(string.match(held, '^%d+')) > tonumber(ARGV[2]) then return 0 end
end
for _, key in ipairs(KEYS) do
  redis.call('set', key, ARGV[1])
end
return 1
`);

/**
 * The value of a lock is the time of its end, and whoever asks compares it with its own clock: the pattern
 * that the manual of SETNX has carried for long (https://redis.io/docs/latest/commands/setnx/).
 */
export default strategy({
  title: 'A key with the time of its end, by the clock of whoever asks',
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
  const nowMs = Date.now();
  const token = `${nowMs + leaseMs} ${randomBytes(16).toString('base64url')}`;
  await connected(redis);
  try {
    const answer = await takeEnded.run(redis, keys, [token, nowMs]);
    return answer === 1 ? { keys, token } : undefined;
  } catch (error) {
    throw redisFailure(error);
  }
}
