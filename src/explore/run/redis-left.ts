import type { RedisValue } from '../wire/resp.ts';
import type { RedisControl } from './redis-control.ts';

/** One key of a Redis, with what it holds; texts are bytes as latin1. */
export interface KeyLeft {
  /** `redis`, `redis 2`. */
  readonly store: string;
  readonly database: string;
  readonly key: string;
  readonly type: string;
  readonly expires: boolean;
  /** In the order in which Redis tells them, sorted where a type has no order. */
  readonly values: readonly string[];
}

const keysMax = 2_000;
const tooMany = 'too many keys';

/** Nothing that is told depends on how a value came about: hashes and sets are sorted afterwards. */
const contents = `
  local keys = redis.call('keys', '*')
  if #keys > tonumber(ARGV[1]) then return '${tooMany}' end
  local found = {}
  for _, key in ipairs(keys) do
    local kind = redis.call('type', key).ok
    local value
    if kind == 'string' then value = { redis.call('get', key) }
    elseif kind == 'hash' then value = redis.call('hgetall', key)
    elseif kind == 'set' then value = redis.call('smembers', key)
    elseif kind == 'list' then value = redis.call('lrange', key, 0, -1)
    elseif kind == 'zset' then value = redis.call('zrange', key, 0, -1, 'withscores')
    elseif kind == 'stream' then
      value = {}
      for _, entry in ipairs(redis.call('xrange', key, '-', '+')) do
        value[#value + 1] = entry[1]
        value[#value + 1] = table.concat(entry[2], ' ')
      end
    else value = { redis.sha1hex(redis.call('dump', key) or '') } end
    found[#found + 1] = { key, kind, redis.call('pttl', key), value }
  end
  return found`;

/** What a server holds in one logical database; undefined where it is too much. */
export async function keysLeft(
  server: RedisControl,
  store: string,
  database: string,
): Promise<readonly KeyLeft[] | undefined> {
  await server.ask('select', database);
  const found = await server.ask('eval', contents, '0', String(keysMax));
  if (found === tooMany) return undefined;
  return listOf(found).map(one => {
    const [key, type, ttl, values] = listOf(one);
    const kind = String(type);
    const texts = listOf(values ?? null).map(String);
    const expires = Number(ttl) >= 0;
    return { store, database, key: String(key), type: kind, expires, values: sorted(kind, texts) };
  });
}

function sorted(kind: string, values: string[]): string[] {
  if (kind === 'set') return values.sort();
  if (kind !== 'hash') return values;
  const pairs = values.flatMap((field, at) =>
    at % 2 === 0 ? [[field, values[at + 1] ?? '']] : [],
  );
  return pairs.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)).flat();
}

function listOf(value: RedisValue): readonly RedisValue[] {
  return Array.isArray(value) ? value : [];
}
