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

const keysMax = 5_000;

/** Every key with a hash of what it holds; none where they are too many. */
const contents = `
  local found = {}
  local keys = redis.call('keys', '*')
  if #keys > tonumber(ARGV[1]) then return found end
  for _, key in ipairs(keys) do
    found[#found + 1] = key
    found[#found + 1] = redis.sha1hex(redis.call('dump', key) or '')
  end
  return found`;

/** What all servers hold, by the names under which `UsedKey` has them. */
export async function keysOfAll(
  servers: readonly RedisControl[],
): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>();
  for (const [node, redis] of servers.entries()) {
    const found = list(await redis.ask('eval', contents, '0', String(keysMax)));
    for (let at = 0; at + 1 < found.length; at += 2) {
      all.set(keyName(String(found[at]), storeOf(node)), String(found[at + 1]));
    }
  }
  return all;
}

/** Keys that are new, changed or gone. */
export function changedKeys(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const names = [...before.keys(), ...after.keys()];
  return new Set(names.filter(name => before.get(name) !== after.get(name)));
}

export function keyName(key: string, store: string, database = '0'): string {
  return `the key ${key} of ${database === '0' ? '' : `database ${database} of `}${store}`;
}

function storeOf(node: number): string {
  return node === 0 ? 'redis' : `redis ${node + 1}`;
}

function list<T>(value: T | readonly T[] | undefined): readonly (T | undefined)[] {
  return Array.isArray(value) ? value : [];
}
