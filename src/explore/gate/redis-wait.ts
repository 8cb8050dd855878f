import type { ServerWait } from './lane.ts';

/** Commands that wait at the server: where their time limit stands, and in which unit. */
interface Limit {
  /** Index of the word; negative counts from the end. */
  readonly at: number;
  readonly unitMs: number;
}

const last: Limit = { at: -1, unitMs: 1_000 };
const first: Limit = { at: 1, unitMs: 1_000 };
const limits: Readonly<Record<string, Limit>> = {
  blpop: last,
  brpop: last,
  blmove: last,
  brpoplpush: last,
  bzpopmin: last,
  bzpopmax: last,
  blmpop: first,
  bzmpop: first,
  wait: { at: -1, unitMs: 1 },
  waitaof: { at: -1, unitMs: 1 },
};

/** A wait at Redis that a command asks for. */
export interface RedisWait extends ServerWait {
  /** Where its limit stands among the words. */
  readonly at: number;
}

/**
 * The wait that a command asks for, or undefined where it asks for none. Source: redis.io, the pages
 * of these commands; a limit of 0 is none.
 */
export function redisWait(words: readonly string[]): RedisWait | undefined {
  const name = (words[0] ?? '').toLowerCase();
  const limit = name === 'xread' || name === 'xreadgroup' ? blockOf(words) : limits[name];
  if (limit === undefined) return undefined;
  const at = limit.at < 0 ? words.length + limit.at : limit.at;
  const ms = Number(words[at]) * limit.unitMs;
  const forServer = name === 'wait' || name === 'waitaof';
  return { limitMs: Number.isFinite(ms) && ms > 0 ? ms : undefined, at, forServer };
}

/** BLOCK is an option only in front of STREAMS; behind it, or behind GROUP, it is a name. */
function blockOf(words: readonly string[]): Limit | undefined {
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at]?.toLowerCase();
    if (word === 'streams') return undefined;
    if (word === 'group') at += 2;
    else if (word === 'count') at += 1;
    else if (word === 'block') return { at: at + 1, unitMs: 1 };
  }
  return undefined;
}

/** The same request without a limit: the explorer decides when the time has passed. */
export function withoutLimit(bytes: Buffer, at: number): Buffer {
  if (bytes[0] !== 0x2a) {
    const words = bytes.toString('utf8').trim().split(/\s+/);
    return Buffer.from(`${words.map((word, index) => (index === at ? '0' : word)).join(' ')}\r\n`);
  }
  let from = bytes.indexOf('\r\n') + 2;
  for (let index = 0; ; index += 1) {
    const head = bytes.indexOf('\r\n', from);
    const end = head + 2 + Number(bytes.toString('latin1', from + 1, head)) + 2;
    if (index === at) {
      return Buffer.concat([
        bytes.subarray(0, from),
        Buffer.from('$1\r\n0\r\n'),
        bytes.subarray(end),
      ]);
    }
    if (end >= bytes.length) return bytes;
    from = end;
  }
}
