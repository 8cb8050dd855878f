import type { Arena } from './arena.ts';

/** A key with a time to live, of any database of one of the servers. */
export interface VolatileKey {
  readonly node: number;
  readonly database: string;
  /** Its bytes, as hexadecimal digits: a key need not be text. */
  readonly hex: string;
  readonly leftMs: number;
  /** When it ends, by the server's clock. */
  readonly atMs: number;
}

const scan = `
  local time, found, all = redis.call('time'), {}, 0
  local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
  local function digits(byte) return string.format('%02x', string.byte(byte)) end
  for database in string.gmatch(redis.call('info', 'keyspace'), 'db(%d+):') do
    redis.call('select', database)
    for _, key in ipairs(redis.call('keys', '*')) do
      all = all + 1
      local leftMs = redis.call('pttl', key)
      if leftMs >= 0 then
        found[#found + 1] = database
        found[#found + 1] = string.gsub(key, '.', digits)
        found[#found + 1] = leftMs
        -- as Redis before 7.0 does not know it: it may be some milliseconds off
        local at = redis.pcall('pexpiretime', key)
        found[#found + 1] = string.format('%.0f', type(at) == 'number' and at or nowMs + leftMs)
      end
    end
  end
  table.insert(found, 1, all)
  return found`;

/** Every key that ends by itself, and how many keys there are in all. */
export async function volatileKeys(
  arena: Arena,
): Promise<{ readonly keys: VolatileKey[]; readonly all: number }> {
  const keys: VolatileKey[] = [];
  let all = 0;
  for (const [node, redis] of arena.redis.entries()) {
    const answer = await redis.ask('eval', scan, '0');
    if (!Array.isArray(answer)) continue;
    all += Number(answer[0]);
    for (let at = 1; at + 3 < answer.length; at += 4) {
      const [database, hex, leftMs, atMs] = answer.slice(at, at + 4).map(String);
      if (database === undefined || hex === undefined) continue;
      keys.push({ node, database, hex, leftMs: Number(leftMs), atMs: Number(atMs) });
    }
  }
  return { keys, all };
}

/** Keys that have less time left than an actor sleeps, for whom they do not end: that is an event. */
export async function keysWithin(arena: Arena, ms: number): Promise<readonly string[]> {
  if (!Number.isFinite(ms) || !arena.redisTraces.any) return [];
  const { keys } = await volatileKeys(arena);
  return keys.filter(({ leftMs }) => leftMs < ms).map(nameOf);
}

/** Redis ends them itself, so that who listens for keys that expire hears of it. */
const endNow = `
  local left = 0
  for at = 1, #ARGV, 2 do
    redis.call('select', ARGV[at])
    local key = string.gsub(ARGV[at + 1], '..', function(digits) return string.char(tonumber(digits, 16)) end)
    if redis.call('exists', key) == 1 then
      left = left + 1
      if redis.call('pttl', key) > 1 then redis.call('pexpire', key, 1) end
    end
  end
  return left`;

const triesMax = 200;

/** These keys are gone as if their time had passed; resolves when they are. */
export async function endKeys(arena: Arena, keys: readonly VolatileKey[]): Promise<void> {
  arena.redisTraces.any ||= keys.length > 0;
  for (const [node, redis] of arena.redis.entries()) {
    const own = keys.filter(key => key.node === node);
    const words = own.flatMap(({ database, hex }) => [database, hex]);
    for (let tries = 0; tries < triesMax && words.length > 0; tries++) {
      if ((await redis.ask('eval', endNow, '0', ...words)) === 0) break;
      await arena.activity.next(2);
    }
  }
}

/** Every key that has a time to live is gone, however long it is. */
export async function endAllKeys(
  arena: Arena,
): Promise<{ readonly longestMs: number; readonly names: readonly string[] }> {
  const { keys } = await volatileKeys(arena);
  await endKeys(arena, keys);
  const longestMs = Math.max(0, ...keys.map(({ leftMs }) => leftMs));
  return { longestMs, names: keys.map(nameOf).sort() };
}

/** The key as text. */
export function nameOf({ hex }: Pick<VolatileKey, 'hex'>): string {
  return Buffer.from(hex, 'hex').toString();
}
