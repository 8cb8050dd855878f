import { AsyncResource } from 'node:async_hooks';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { type ActorRealm, currentRealm } from './actor-realm.ts';
import { catchUncaught } from './uncaught.ts';
import { VirtualTimer } from './virtual-timer.ts';

/**
 * Puts an actor's time, random numbers and sockets into its own realm, for as long as it is
 * installed. Code outside an actor (the explorer, a test runner) keeps the real ones: the realm is
 * looked up at every call. Not reached: timers captured by a module before this ran.
 */
export function installRealms(): () => void {
  const restores = [...timers(), ...clocks(), sockets(), catchUncaught()];
  syncBuiltinESMExports();
  return () => {
    for (const restore of restores.reverse()) restore();
    syncBuiltinESMExports();
  };
}

const require = createRequire(import.meta.url);

type Timer = (
  callback: (...values: unknown[]) => void,
  ms?: number,
  ...values: unknown[]
) => unknown;

function timers(): (() => void)[] {
  const once: Timer = (callback, ms, ...values) => start(callback, ms, values, false);
  const every: Timer = (callback, ms, ...values) => start(callback, ms, values, true);
  const real = { setTimeout, setInterval, clearTimeout, clearInterval };

  function start(
    callback: (...values: unknown[]) => void,
    ms: number | undefined,
    values: unknown[],
    repeats: boolean,
  ): unknown {
    const realm = currentRealm();
    if (realm === undefined) {
      return (repeats ? real.setInterval : real.setTimeout)(callback, ms, ...values);
    }
    const resource = new AsyncResource('VirtualTimer'); // `bind`: 30 to 90 us instead of 1
    const bound = (): void => resource.runInAsyncScope(callback, undefined, ...values);
    return realm.add(bound, ms ?? 1, repeats ? (ms ?? 1) : undefined);
  }
  function clear(timer: unknown): void {
    if (timer instanceof VirtualTimer) timer.close();
    else real.clearTimeout(timer as NodeJS.Timeout | undefined);
  }
  const later = (ms?: number, value?: unknown): Promise<unknown> =>
    new Promise(resolve => once(() => resolve(value), ms));
  Object.defineProperty(once, promisify.custom, { value: later });
  const promised: object = require('node:timers/promises');
  const realLater: unknown = Reflect.get(promised, 'setTimeout');
  const laterInRealm = (ms?: number, value?: unknown, options?: unknown): unknown =>
    currentRealm() === undefined && typeof realLater === 'function'
      ? realLater(ms, value, options)
      : later(ms, value);
  const replacements = {
    setTimeout: once,
    setInterval: every,
    clearTimeout: clear,
    clearInterval: clear,
  };
  return [globalThis, require('node:timers') as object]
    .flatMap(target =>
      Object.entries(replacements).map(([name, value]) => put(target, name, value)),
    )
    .concat(put(promised, 'setTimeout', laterInRealm), put(AbortSignal, 'timeout', abortLater));
}

const realAbort = AbortSignal.timeout.bind(AbortSignal);

function abortLater(ms: number): AbortSignal {
  const realm = currentRealm();
  if (realm === undefined) return realAbort(ms);
  const controller = new AbortController();
  const abort = () => controller.abort(new DOMException('timed out', 'TimeoutError'));
  realm.add(AsyncResource.bind(abort), ms, undefined);
  return controller.signal;
}

function clocks(): (() => void)[] {
  const RealDate = Date;
  const realNow = performance.now.bind(performance);
  const realHr = process.hrtime;
  const realRandom = Math.random;
  const VirtualDate: DateConstructor = new Proxy(RealDate, {
    construct: (target, values: unknown[], self): object => {
      const realm = currentRealm();
      const dated = realm !== undefined && values.length === 0 ? [realm.nowMs] : values;
      return Reflect.construct(target, dated, self === VirtualDate ? target : self);
    },
    apply: (target, _self, values) => Reflect.apply(target, undefined, values),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
  const now = (): number => currentRealm()?.nowMs ?? RealDate.now();
  const elapsedMs = (realm: ActorRealm): number => realm.nowMs - realm.startMs;
  const hrtime = (since?: [number, number]): [number, number] => {
    const realm = currentRealm();
    if (realm === undefined) return realHr(since);
    const ms = elapsedMs(realm) - (since === undefined ? 0 : since[0] * 1e3 + since[1] / 1e6);
    return [Math.floor(ms / 1e3), Math.round((ms % 1e3) * 1e6)];
  };
  const nanoseconds = (realm: ActorRealm): bigint => BigInt(Math.round(elapsedMs(realm) * 1e6));
  const bigint = (): bigint => {
    const realm = currentRealm();
    return realm === undefined ? realHr.bigint() : nanoseconds(realm);
  };
  return [
    put(globalThis, 'Date', VirtualDate),
    put(performance, 'now', () => {
      const realm = currentRealm();
      return realm === undefined ? realNow() : elapsedMs(realm);
    }),
    put(process, 'hrtime', Object.assign(hrtime, { bigint })),
    put(Math, 'random', () => currentRealm()?.random() ?? realRandom()),
  ];
}

/** Remembers which sockets an actor opened, so that a crash can take them silently. */
function sockets(): () => void {
  const realConnect = Socket.prototype.connect;
  return put(Socket.prototype, 'connect', function (this: Socket, ...values: unknown[]) {
    const realm = currentRealm();
    if (realm !== undefined && !realm.connects(this)) return this;
    return Reflect.apply(realConnect, this, values);
  });
}

function put(target: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, before);
  };
}
