/**
 * The part of redlock 4.2.0 (npm alias `redlock-4`) that we use; it ships no types. See its
 * `redlock.js`.
 */
declare module 'redlock-4' {
  type Answer = (error: Error | null, result?: unknown) => void;

  /** Everything that the library needs from a client. */
  export interface Caller {
    /** `[key count, …keys, …values]` */
    evalsha(sha: string, args: readonly (string | number)[], answer: Answer): unknown;
    /** `[lua, key count, …keys, …values]` */
    eval(args: readonly (string | number)[], answer: Answer): unknown;
  }

  export interface Lock {
    readonly resource: readonly string[];
    readonly value: string;
    /** On the clock of `Date.now()`; 0 after release. */
    expiration: number;
  }

  interface Script {
    readonly value: string;
    readonly hash: string;
  }

  export default class Redlock {
    readonly scripts: { readonly lockScript: Script; readonly unlockScript: Script };
    constructor(
      clients: readonly Caller[],
      options?: {
        readonly retryCount?: number;
        readonly retryDelay?: number;
        readonly retryJitter?: number;
      },
    );
    lock(keys: readonly string[], ttlMs: number): PromiseLike<Lock>;
    unlock(lock: Lock): PromiseLike<void>;
    /** If this fails, the library releases the lock itself. */
    extend(lock: Lock, ttlMs: number): PromiseLike<Lock>;
  }
}
