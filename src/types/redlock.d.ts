/**
 * The part of redlock 5.0.0-beta.2 that we use. Its own types cannot be resolved under `nodenext`
 * (its `exports` lists none); these follow its `dist/esm/index.js`.
 */
declare module 'redlock' {
  import type { Redis } from 'ioredis';

  /** Everything that the library needs from a client, besides `quit`, which only we would call. */
  export interface Caller {
    evalsha(sha: string, keyCount: number, args: readonly (string | number)[]): Promise<unknown>;
    eval(lua: string, keyCount: number, args: readonly (string | number)[]): Promise<unknown>;
  }

  export type Client = Redis | Caller;

  export interface Settings {
    /** Clock drift allowance, as a fraction of the duration. */
    readonly driftFactor: number;
    /** 0: a single attempt. */
    readonly retryCount: number;
    readonly retryDelay: number;
    readonly retryJitter: number;
    readonly automaticExtensionThreshold: number;
  }

  /** The votes of one attempt, once all have arrived. */
  export interface Stats {
    readonly membershipSize: number;
    readonly quorumSize: number;
    readonly votesFor: ReadonlySet<Client>;
    readonly votesAgainst: ReadonlyMap<Client, Error>;
  }

  export interface Result {
    readonly attempts: readonly Promise<Stats>[];
  }

  /** A node reports another value, or none, for the key. */
  export class ResourceLockedError extends Error {}

  /** No quorum. Without attempts if the lock was known to have expired. */
  export class ExecutionError extends Error {
    readonly attempts: readonly Promise<Stats>[];
  }

  export class Lock {
    readonly resources: readonly string[];
    readonly value: string;
    readonly attempts: readonly Promise<Stats>[];
    /**
     * On the clock of `Date.now()`; set to 0 by `release`, and by `extend` on the lock it replaces.
     */
    expiration: number;
    release(): Promise<Result>;
    extend(durationMs: number): Promise<Lock>;
  }

  interface Script {
    readonly value: string;
    readonly hash: string;
  }

  export default class Redlock {
    readonly scripts: {
      readonly acquireScript: Script;
      readonly extendScript: Script;
      readonly releaseScript: Script;
    };
    constructor(clients: Iterable<Client>, settings?: Partial<Settings>);
    acquire(
      keys: readonly string[],
      durationMs: number,
      settings?: Partial<Settings>,
    ): Promise<Lock>;
    extend(lock: Lock, durationMs: number, settings?: Partial<Settings>): Promise<Lock>;
    release(lock: Lock, settings?: Partial<Settings>): Promise<Result>;
    using<T>(
      keys: readonly string[],
      durationMs: number,
      settings: Partial<Settings>,
      routine: (signal: AbortSignal) => Promise<T>,
    ): Promise<T>;
  }
}
