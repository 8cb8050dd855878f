import type { RedisValue } from '../wire/resp.ts';
import { type Step, shapeOf, type TouchedKeys } from './lane.ts';

/** Commands that arrange the connection: granted at once, never a step. */
const chatter = new Set([
  'hello',
  'auth',
  'ping',
  'echo',
  'select',
  'readonly',
  'readwrite',
  'quit',
  'reset',
  'unwatch',
]);

const subscriptions = new Set([
  'subscribe',
  'psubscribe',
  'ssubscribe',
  'unsubscribe',
  'punsubscribe',
  'sunsubscribe',
]);

const unsolicited = new Set(['message', 'pmessage', 'smessage', 'invalidate']);

/** Longer labels are cut, and then do not show every key. */
export const labelCharactersMax = 300;

export function commandName(words: readonly string[]): string {
  return (words[0] ?? '').toLowerCase();
}

/**
 * Whether a command is none of an order's steps. What looks at the whole server, or names a
 * connection for others to see, is chatter only until the connection has taken its first step: so
 * clients greet. To subscribe is a step: a message before it is lost.
 */
export function isChatter(words: readonly string[], greets: boolean): boolean {
  const name = commandName(words);
  const second = words[1]?.toLowerCase() ?? '';
  if (name === 'client') return aboutItself.has(second) || (greets && second === 'setname');
  if (name === 'config') return greets && second === 'get';
  if (name === 'script') return greets && second === 'load';
  return chatter.has(name) || (greets && greetings.has(name));
}

const greetings = new Set(['info', 'cluster', 'command']);
const aboutItself = new Set(['id', 'getname', 'setinfo', 'info', 'no-evict', 'no-touch', 'reply']);

/** How many confirmations a (un)subscribe command is answered with; 0 for any other command. */
export function confirmations(words: readonly string[]): number {
  return subscriptions.has(commandName(words)) ? Math.max(1, words.length - 1) : 0;
}

export function isConfirmation(value: RedisValue): boolean {
  return Array.isArray(value) && subscriptions.has(String(value[0]).toLowerCase());
}

/** A frame that the server sends on its own account. */
export function isUnsolicited(value: RedisValue): boolean {
  return Array.isArray(value) && unsolicited.has(String(value[0]).toLowerCase());
}

export function redisStep(store: string, commands: readonly (readonly string[])[]): Step {
  const label = commands.map(shown).join(' ').slice(0, labelCharactersMax);
  const shape = commands.map(masked).join(' ').slice(0, labelCharactersMax);
  return { store, label, shape, role: 'request', commands };
}

export function messageStep(store: string, value: RedisValue): Step {
  const words = Array.isArray(value) ? value.map(word => String(word)) : [];
  return {
    store,
    label: `receives ${words.join(' ')}`.slice(0, labelCharactersMax),
    shape: `receives ${shapeOf(words.slice(0, 2).join(' '))}`,
    role: 'message',
  };
}

/** In a timeline a script is shown by its keys, not its text. */
function shown(words: readonly string[]): string {
  const name = commandName(words).toUpperCase();
  const rest = isScript(words) ? words.slice(3) : words.slice(1);
  return [name, ...rest.map(word => (word.length > 60 ? `${word.slice(0, 60)}…` : word))].join(' ');
}

/** The command and its keys; values (random tokens, times) differ between runs. */
function masked(words: readonly string[]): string {
  const name = commandName(words);
  const keys = isScript(words) ? words.slice(3, 3 + Number(words[2])) : words.slice(1, 2);
  return shapeOf([name, ...keys].join(' '));
}

export function isScript(words: readonly string[]): boolean {
  return /^(eval|evalsha|fcall)(_ro)?$/.test(commandName(words));
}

export function redisSummary(value: RedisValue): string {
  if (value !== null && typeof value === 'object' && 'error' in value) return value.error;
  return JSON.stringify(value).slice(0, 80);
}

/** Each looks at the one key behind it, or at all the words there. */
const readers = new Set(
  (
    'get strlen type ttl pttl exists mget hget hmget hgetall hlen hexists hkeys hvals llen lrange ' +
    'lindex scard sismember smembers zcard zscore zrange zcount getrange getbit bitcount watch'
  ).split(' '),
);
const readsAll = new Set(['exists', 'mget', 'watch']);
/** Each changes the one key behind it and no other, and wakes nobody who would block. */
const writers = new Set(
  (
    'set setnx setex psetex getset getdel getex append incr incrby incrbyfloat decr decrby ' +
    'expire pexpire expireat pexpireat persist setrange setbit hset hsetnx hmset hdel hincrby ' +
    'lpush rpush lpop rpop lrem lset ltrim sadd srem spop zadd zrem zincrby'
  ).split(' '),
);
const writesAll = new Set(['del', 'unlink']);

/**
 * The keys that a command touches, or undefined when that is not certain: scripts may reach keys
 * that they did not declare, and anything unknown likewise.
 */
export function redisKeys(words: readonly string[]): TouchedKeys | undefined {
  const name = commandName(words);
  const [, first] = words;
  if (first === undefined) return undefined;
  if (readers.has(name))
    return { keys: readsAll.has(name) ? words.slice(1) : [first], use: 'reads' };
  if (writers.has(name)) return { keys: [first], use: 'writes' };
  return writesAll.has(name) ? { keys: words.slice(1), use: 'writes' } : undefined;
}

/** The key existed and was left alone: a refused command has only read it. */
export function isRefused(words: readonly string[], reply: RedisValue): boolean {
  const name = commandName(words);
  if (name === 'setnx') return reply === 0;
  const more = words.slice(3).map(word => word.toLowerCase());
  return name === 'set' && more.includes('nx') && !more.includes('get') && reply === null;
}

/** The same of MULTI … EXEC: all that is done inside. */
export function keysOfAll(commands: readonly (readonly string[])[]): TouchedKeys | undefined {
  const keys: string[] = [];
  let use: TouchedKeys['use'] = 'reads';
  for (const words of commands) {
    if (['multi', 'exec'].includes(commandName(words))) continue;
    const touched = redisKeys(words);
    if (touched === undefined) return undefined;
    keys.push(...touched.keys);
    if (touched.use === 'writes') use = 'writes';
  }
  return { keys, use };
}
