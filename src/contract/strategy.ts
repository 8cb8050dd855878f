import type { Redis } from 'ioredis';
import type { Pool, PoolClient } from 'pg';
import type { FailureCode } from './failure.ts';
import type { LockRelease, LockState } from './locks.ts';
import type { Statement } from './tx.ts';

export const isolations = ['read committed', 'repeatable read', 'serializable'] as const;

/** Transaction isolation, always set explicitly: a role's default must not change a strategy. */
export type Isolation = (typeof isolations)[number];

/**
 * How a rule is written, in display order. `steps` reads, decides and writes; every scenario has
 * it. The others let the database decide: one statement, numbered slots with a unique index,
 * precreated rows, or an exclusion constraint.
 */
export const wordingsAll = [
  'steps',
  'conditional update',
  'conditional insert',
  'numbered slots',
  'precreated rows',
  'exclusion',
] as const;

export type Wording = (typeof wordingsAll)[number];

/**
 * What `Tx` builds into a rule's reads and writes. The first four are locks taken by the deciding
 * read; the next four are checked by a write (`fence read`: the read claims, the write verifies);
 * `check twice` repeats the check right before acting.
 */
export const guards = [
  'lock row',
  'lock row, nowait',
  'lock row, skip locked',
  'lock table',
  'compare version',
  'fence write',
  'fence read',
  'touch',
  'check twice',
] as const;

export type Guard = (typeof guards)[number];

export const events = [
  'several processes',
  'lease lost',
  'session lost',
  'effect without record',
  'crash',
  'statement phases',
] as const;

/** Something that occurred during a run and may void a claim or expose a hazard. */
export type Event = (typeof events)[number];

/** Schema changes that a strategy may need, from lightest to heaviest. */
export const adoptionMigrations = [
  'none',
  'column',
  'rows beforehand',
  'constraint over existing rows',
] as const;

/** What it costs to introduce a strategy into a running system; often as decisive as safety. */
export interface Adoption {
  readonly migration: (typeof adoptionMigrations)[number];
  /** True if a single writer that does not follow the protocol breaks it for all. */
  readonly everyWriterMustTakePart: boolean;
  /** The combined value occurs only when two strategies share one transaction. */
  readonly newDependency?: 'redis' | 'several redis nodes' | 'redis and several redis nodes';
  /** Whether it works behind a pooler in transaction mode (PgBouncer). */
  readonly poolerSafe: boolean;
  /** Whether conflicts are normal and callers must retry. */
  readonly retryNeeded: boolean;
}

/** A strategy that is deliberately broken: the control that proves the audit detects violations. */
export interface Hazard {
  readonly why: string;
  /** Events that expose the flaw; any one is enough. Empty: contention alone exposes it. */
  readonly under: readonly Event[];
  /** The name of the strategy that fixes it. */
  readonly cure: string;
}

/** The adapters of `Tx`. */
export const storeKinds = ['pg', 'sequelize'] as const;

/**
 * One locking strategy, declared as facts that the engine acts on, so that a prediction computed from
 * them cannot disagree with what runs. One file each under `strategies/`; the file name is its name.
 * Written out in full, or by `strategy({…})`.
 */
export interface Strategy {
  readonly title: string;
  /** The `Tx` adapter that runs the rule. */
  readonly store: (typeof storeKinds)[number];
  readonly wording: Wording;
  readonly isolation: Isolation;
  /** Locks taken before BEGIN, outermost first. Most strategies have none. */
  readonly turns: readonly Turn[];
  /**
   * The first statements of the transaction, with the sorted keys as `$1`. `granted = false` ends
   * the attempt with `turn-refused`.
   */
  readonly first: readonly Statement<{ granted: boolean }>[];
  readonly guard: readonly Guard[];
  readonly hazard?: Hazard;
  /** The strategies that this one combines; set by `both`. A hazard breaks its own part's turns. */
  readonly parts?: readonly Strategy[];
  /**
   * The namespace of its lock names, if any. Two strategies with the same namespace take the same
   * lock for the same key: they already exclude each other, and nesting them would self-deadlock.
   */
  readonly lockSpace?: string;
  readonly adoption: Adoption;
  /** Excluded from the default comparison, which has to finish within 90 seconds. */
  readonly compared?: 'on request';
}

export const turnHolders = ['process', 'lease', 'session'] as const;
export const turnEnds = ['commit', 'rule ends'] as const;

/** The parts of a strategy that differ from `usual`; its title is always given. */
export interface StrategyDeclaration
  extends Partial<Omit<Strategy, 'title' | 'adoption' | 'parts'>> {
  readonly title: string;
  readonly adoption?: Partial<Adoption>;
}

/** What a strategy does that says nothing: a plain READ COMMITTED transaction of pg without locks. */
const usual = {
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: [],
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
} as const satisfies Omit<Strategy, 'title'>;

/**
 * A whole strategy from the parts that differ from a plain transaction: store `pg`, wording `steps`,
 * READ COMMITTED, no turns, statements or guards; adopted without a migration, by every writer,
 * behind any pooler and without retries. `adoption` is filled in part by part. Throws nothing: what
 * contradicts itself is told by the registry.
 */
export function strategy(declaration: StrategyDeclaration): Strategy {
  return { ...usual, ...declaration, adoption: { ...usual.adoption, ...declaration.adoption } };
}

/** A lock taken outside the transaction. */
export interface Turn {
  /** What releases it when the holder dies or stalls; determines what the strategy can claim. */
  readonly heldBy: (typeof turnHolders)[number];
  /** `rule ends` is a hazard: the engine releases the lock before it commits. */
  readonly until: (typeof turnEnds)[number];
  /**
   * Why its lock store must be one server (or one that sentinels name), not a Redis Cluster: a script of
   * its that names keys of several slots, say. Absent: each command names one key.
   */
  readonly oneServer?: string;
  /**
   * Called once per process. The clients are connected unless their server is down. The guardian is
   * closed when the process stops.
   */
  open(backends: Backends, tuning: Tuning): Promise<Guardian>;
}

export interface Guardian {
  /**
   * Locks all keys in the given (sorted) order, runs `inner` once and releases the keys.
   * Throws `Failure('turn-refused')` at the deadline, and `Failure('redis-unavailable')` or
   * `Failure('postgres-unavailable')` if the lock store does not respond, or the code of what it
   * refuses (`codeOfReply`). Otherwise settles exactly as `inner` does: a failed release is passed
   * to `attempt.report`, never thrown.
   */
  turn<T>(attempt: Attempt, keys: readonly string[], inner: (held: Held) => Promise<T>): Promise<T>;
  /** Closes what `open` created; never the backends, which belong to the caller. */
  close(): Promise<void>;
  /**
   * Who has the lock of a key, at each server that is asked; changes nothing. For operators; absent
   * where nobody outside the holder can tell. Never rejects: a server that is away is `unknown`.
   */
  inspect?(key: string): Promise<readonly LockState[]>;
  /**
   * Ends the hold that `inspect` told of, and no other: its holder is told that the lock is lost.
   * Rejects with `Failure('redis-unavailable')` if it is not known whether it did.
   */
  release?(key: string, holder: string): Promise<LockRelease>;
}

export interface Held {
  /** Fencing token: one per grant, whatever the number of keys; all from one counter. */
  readonly token?: bigint;
  /** Aborted by the watchdog, or at the latest when a release finds the lease gone. */
  readonly lost?: AbortSignal;
  /** Whether the lock is lost. Cheaper than `lost`: creates no AbortSignal. */
  isLost?(): boolean;
}

export const releaseEnds = ['released', 'already gone', 'lost', 'unknown'] as const;

/**
 * How a release went. `already gone`: it had been released before; `lost`: the lease had expired.
 */
export type ReleaseEnd = (typeof releaseEnds)[number];

export interface Attempt {
  readonly commandId: string;
  /** 1 for the first attempt. */
  readonly number: number;
  /** On the clock of `Backends.now`; no lock may be granted after it. */
  readonly deadlineMs: number;
  /**
   * Aborted when nobody waits for the answer any more; absent where that cannot be known. A wait for a
   * lock then ends with `Failure('caller-left')`, and nothing of it is left behind. Once the lock is
   * granted it says nothing: what has begun runs to its end.
   */
  readonly left?: AbortSignal;
  /** Called once per granted lock. */
  readonly report: (end: ReleaseEnd) => void;
  /** Called by a turn whose lock is only tried: with why it could not be had. Absent: nobody counts. */
  readonly tried?: (end: 'granted' | FailureCode) => void;
  /** Creates the error to throw, so that an external strategy needs no runtime import from here. */
  readonly failure: (code: FailureCode, cause?: unknown) => Error;
}

/**
 * What turns are built from. Includes clock and randomness, so that an explorer can control them.
 */
export interface Backends {
  /** Connections for session locks only, apart from those for work. */
  readonly locks: Pool;
  /**
   * One of `locks`, waited for until the attempt's deadline. Throws `Failure('pool-exhausted')` then,
   * `Failure('caller-left')`, and `Failure('postgres-unavailable')` where none can be opened.
   */
  readonly lockConnection: (
    attempt: Pick<Attempt, 'deadlineMs' | 'left'>,
  ) => Promise<LockConnection>;
  /** The lock node. Commands fail at once while it is down (no offline queue). */
  readonly redis: Redis;
  /** Independent nodes for Redlock. */
  readonly redisNodes: readonly Redis[];
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
  /** Resolves after `ms` milliseconds, or when `until` settles, whichever is first. */
  readonly sleep: (ms: number, until?: Promise<unknown>) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** A connection on loan to one turn, from the lock to the unlock. */
export interface LockConnection {
  readonly client: PoolClient;
  /**
   * Runs a statement that waits for a lock. Where the caller leaves meanwhile, the server is asked to
   * cancel it, and it ends with `Failure('caller-left')`. Settles when no cancel can come any more: it
   * would hit the next statement.
   */
  waiting<T>(statement: () => Promise<T>): Promise<T>;
  /** Gives it back, or closes it where it may be in a bad state or still hold something. */
  release(broken: boolean): void;
}

export interface Tuning {
  /** How long a command may wait for its lock, over all attempts. */
  readonly waitMs: number;
  /** Lease duration without extension. */
  readonly leaseMs: number;
  /** Whether a watchdog extends leases while the work runs. */
  readonly extendLease: boolean;
  readonly attemptsMax: number;
}

/** The Redis servers that a strategy needs: the single lock node, several independent ones, or both. */
export interface RedisNeeds {
  readonly one: boolean;
  readonly several: boolean;
}

/** As its adoption says. */
export function redisNeedsOf({ adoption }: Strategy): RedisNeeds {
  const { newDependency: need } = adoption;
  const both = need === 'redis and several redis nodes';
  return { one: both || need === 'redis', several: both || need === 'several redis nodes' };
}
