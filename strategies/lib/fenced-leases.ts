import type { Redis } from 'ioredis';
import type { Backends } from '../../src/contract/index.ts';
import type { PolledStore } from './lease-guardian.ts';
import { type OwnedKeys, ownedLeases } from './redis-leases.ts';
import { Script } from './redis-script.ts';

/** Keys with the fencing token that was minted when they were taken. */
export interface FencedKeys extends OwnedKeys {
  readonly fence: bigint;
}

/** One counter for all keys: a turn has one token, however many rows it claims. */
export const fenceCounter = 'lockstep:fence';

// all keys or none, and the token in the same step: minted apart, a later holder could get a lower one.
// The last of KEYS is the counter. The token goes as text: a number of Lua is exact up to 2^53 only
const takeFenced = new Script(`
local counter = KEYS[#KEYS]
for index = 1, #KEYS - 1 do
  if redis.call('exists', KEYS[index]) == 1 then return false end
end
redis.call('incr', counter)
for index = 1, #KEYS - 1 do
  redis.call('set', KEYS[index], ARGV[1], 'px', ARGV[2])
end
return redis.call('get', counter)
`);

// as text, for the same reason: the longer of two numbers without leading zeros is the higher
const raise = new Script(`
local stored, mark = redis.call('get', KEYS[1]) or '0', ARGV[1]
if #stored < #mark or (#stored == #mark and stored < mark) then
  redis.call('set', KEYS[1], mark)
end
return 1
`);

/**
 * Leases on one Redis with a token that rises with every grant. The counter is as durable as Redis is:
 * when it is lost, rows refuse the tokens that start anew, and each refusal lifts it to the mark.
 */
export function fencedLeases(backends: Pick<Backends, 'redis' | 'sleep'>): PolledStore<FencedKeys> {
  return {
    ...ownedLeases(backends, takeWithToken),
    fence: {
      tokenOf: ({ fence }) => fence,
      raise: async mark => {
        await raise.run(backends.redis, [fenceCounter], [String(mark)]).catch(() => {});
      },
    },
  };
}

async function takeWithToken(
  redis: Redis,
  owned: OwnedKeys,
  leaseMs: number,
): Promise<FencedKeys | undefined> {
  const keys = [...owned.keys, fenceCounter];
  const answer = await takeFenced.run(redis, keys, [owned.token, leaseMs]);
  return typeof answer === 'string' ? { ...owned, fence: BigInt(answer) } : undefined;
}
