import { AsyncResource } from 'node:async_hooks';
import { type ActorRealm, currentRealm } from './actor-realm.ts';

interface WaitOptions {
  readonly signal?: AbortSignal;
  readonly ref?: boolean;
}
type Later = (ms?: number, value?: unknown, options?: WaitOptions) => Promise<unknown>;
type Ticks = (ms?: number, value?: unknown, options?: WaitOptions) => AsyncIterable<unknown>;
type Wait = (ms: number, options?: WaitOptions) => Promise<unknown>;

/** What `node:timers/promises` gives, with time that belongs to the actor whose code asks. */
export function promisedTimers(real: object): {
  setTimeout: Later;
  setInterval: Ticks;
  wait: Wait;
} {
  const realLater = Reflect.get(real, 'setTimeout') as Later;
  const realTicks = Reflect.get(real, 'setInterval') as Ticks;
  const later: Later = (ms, value, options) => {
    const realm = realmFor(options);
    return realm === undefined ? realLater(ms, value, options) : after(realm, ms, value, options);
  };
  const ticks: Ticks = (ms, value, options) => {
    const realm = realmFor(options);
    return realm === undefined
      ? realTicks(ms, value, options)
      : every(realm, ms, value, options?.signal);
  };
  return {
    setTimeout: later,
    setInterval: ticks,
    wait: (ms, options) => later(ms, undefined, options),
  };
}

/** Undefined too where the options are wrong: Node says so better. */
function realmFor(options: WaitOptions | undefined): ActorRealm | undefined {
  const signal: unknown = options?.signal;
  const usable = signal === undefined || signal instanceof AbortSignal;
  return usable && (options === undefined || typeof options === 'object')
    ? currentRealm()
    : undefined;
}

function after(
  realm: ActorRealm,
  ms: number | undefined,
  value: unknown,
  options: WaitOptions | undefined,
): Promise<unknown> {
  const { signal, ref = true } = options ?? {};
  if (signal?.aborted) return Promise.reject(aborted(signal));
  return new Promise((resolve, reject) => {
    const fire = AsyncResource.bind(() => {
      signal?.removeEventListener('abort', abort);
      resolve(value);
    });
    const timer = realm.add(fire, Number(ms ?? 1), undefined);
    if (!ref) timer.unref();
    const abort = (): void => {
      timer.close();
      reject(signal === undefined ? undefined : aborted(signal));
    };
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Ticks that come while nobody asks are counted, and given without a wait. */
async function* every(
  realm: ActorRealm,
  ms: number | undefined,
  value: unknown,
  signal: AbortSignal | undefined,
): AsyncGenerator<unknown> {
  if (signal?.aborted) throw aborted(signal);
  let due = 0;
  let wake: (() => void) | undefined;
  const tick = AsyncResource.bind(() => {
    due += 1;
    wake?.();
  });
  const everyMs = Number(ms ?? 1);
  const timer = realm.add(tick, everyMs, everyMs);
  const abort = (): void => {
    timer.close();
    wake?.();
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    for (;;) {
      if (due === 0 && signal?.aborted !== true) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
      for (; due > 0; due -= 1) yield value;
      if (signal?.aborted) throw aborted(signal);
    }
  } finally {
    timer.close();
    signal?.removeEventListener('abort', abort);
  }
}

/** As Node makes it: name, code and cause are what programs ask for. */
function aborted(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}
