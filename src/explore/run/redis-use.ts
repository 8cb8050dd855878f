import type { RedisControl } from './redis-control.ts';
import type { Sent } from './witness.ts';

/** A key that a command uses. */
export interface UsedKey {
  readonly key: string;
  readonly writes: boolean;
}

/** Commands that only read: for a Redis before 7, which tells keys without their use. */
const readers =
  /^(get|mget|exists|ttl|pttl|strlen|type|h?get(all|range)?|hmget|hexists|lrange|llen|smembers|sismember|zscore|zrange\w*|scard|zcard|eval(sha)?_ro)$/i;

/** The keys of one command, as the server's own table has them: a script's are those it declares. */
export async function usedKeys(redis: RedisControl, { words }: Sent): Promise<readonly UsedKey[]> {
  try {
    const keys = await redis.ask('command', 'getkeysandflags', ...words);
    return list(keys).flatMap(one => {
      const [key, flags] = list(one);
      if (key === undefined) return [];
      return [{ key: String(key), writes: !list(flags).some(flag => flag === 'RO') }];
    });
  } catch (error) {
    if (!/unknown subcommand/i.test(String(error))) return []; // it has no key
  }
  const keys = await redis.ask('command', 'getkeys', ...words).catch(() => []);
  return list(keys).map(key => ({ key: String(key), writes: !readers.test(words[0] ?? '') }));
}

function list<T>(value: T | readonly T[] | undefined): readonly (T | undefined)[] {
  return Array.isArray(value) ? value : [];
}
