import type { Upstream } from './postgres-backend.ts';
import type { GateOf } from './redis-addresses.ts';
import { commandName } from './redis-command.ts';

/** What the orders since the last restoring may have left at the Redis servers. */
export interface RedisTraces {
  /** Somebody connected, or an event changed something. */
  any: boolean;
  /** Scripts or functions may have been loaded. */
  code: boolean;
}

/** One of the exploration's Redis servers, and how to stay behind the gates of an actor. */
export interface RedisServer {
  readonly store: string;
  readonly upstream: Upstream;
  readonly gateOf: GateOf;
  readonly traces: RedisTraces;
}

const loading = new Set(
  'eval eval_ro evalsha evalsha_ro script function fcall fcall_ro'.split(' '),
);

export function loadsCode(words: readonly string[]): boolean {
  return loading.has(commandName(words));
}

/** What was left until now; from here on nothing was. `all`: whatever was seen. */
export function takeTraces(traces: RedisTraces, all: boolean): RedisTraces {
  const left = { any: traces.any || all, code: traces.code || all };
  traces.any = false;
  traces.code = false;
  return left;
}
