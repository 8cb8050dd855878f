import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { FailureCode } from './failure.ts';
import type { Statement } from './tx.ts';

/** Transaction isolation, always stated by us: a role's default must not change what a strategy means. */
export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

/**
 * The way a rule is written. `steps` reads, decides and writes, and every scenario has it; the others
 * let the database refuse: in one statement, by numbered slots with a unique index, by rows that were
 * created beforehand, or by an exclusion constraint.
 */
export type Wording =
  | 'steps'
  | 'conditional update'
  | 'conditional insert'
  | 'numbered slots'
  | 'precreated rows'
  | 'exclusion';

/**
 * What `Tx` binds into a rule's reads and writes. The first four say what the deciding read takes,
 * the next four what a write proves (`fence read`: the read claims, the write proves), and
 * `check twice` repeats the look right before acting.
 */
export type Guard =
  | 'lock row'
  | 'lock row, nowait'
  | 'lock row, skip locked'
  | 'lock table'
  | 'compare version'
  | 'fence write'
  | 'fence read'
  | 'touch'
  | 'check twice';

/** Something that happened in a cell and may void a claim or reveal a hazard. */
export type Event =
  | 'several processes'
  | 'lease lost'
  | 'session lost'
  | 'retry after the effect'
  | 'crash'
  | 'statement phases';

/** What it takes to bring a strategy into a running system: it decides as often as safety does. */
export interface Adoption {
  readonly migration: 'none' | 'column' | 'rows beforehand' | 'constraint over existing rows';
  /** True where one writer that ignores the discipline breaks it for all. */
  readonly everyWriterMustTakePart: boolean;
  /** The last one only of two strategies in one transaction. */
  readonly newDependency?: 'redis' | 'several redis nodes' | 'redis and several redis nodes';
  /** Whether it works behind a pooler in transaction mode (PgBouncer). */
  readonly poolerSafe: boolean;
  /** Whether callers meet conflicts that have to be retried. */
  readonly retryNeeded: boolean;
}

/** A strategy that is wrong on purpose: the control that proves that the judge can see. */
export interface Hazard {
  readonly why: string;
  /** The events that it needs to be seen; any one of them is enough. Empty: rivals alone. */
  readonly under: readonly Event[];
  /** The name of the strategy that cures it. */
  readonly cure: string;
}

/**
 * One locking discipline, as facts that the engine acts on: a prediction computed from them cannot
 * disagree with what runs. One file each under `strategies/`, default export; the file name is its name.
 * Written out in full, or by `strategy({…})`.
 */
export interface Strategy {
  readonly title: string;
  /** Which adapter of `Tx` runs the rule. */
  readonly store: 'pg' | 'sequelize';
  readonly wording: Wording;
  readonly isolation: Isolation;
  /** Locks taken before BEGIN, outermost first. Most strategies have none. */
  readonly turns: readonly Turn[];
  /** Statements sent first in the transaction with the sorted keys as `$1`; `granted = false` is `turn refused`. */
  readonly first: readonly Statement<{ granted: boolean }>[];
  readonly guard: readonly Guard[];
  readonly hazard?: Hazard;
  /**
   * Where its locks have their names, if they have any: two strategies of one space take the same lock
   * for the same key, exclude each other without more, and cannot be taken one inside the other.
   */
  readonly lockSpace?: string;
  readonly adoption: Adoption;
  /** Left out of a comparison that names no strategies: that one has to end within 90 seconds. */
  readonly compared?: 'on request';
}

/** The parts of a strategy that differ from `usual`; its title is always given. */
export interface StrategyDeclaration extends Partial<Omit<Strategy, 'title' | 'adoption'>> {
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

/** A lock outside the transaction. */
export interface Turn {
  /** Whose death or stall frees it: the class of the claim. */
  readonly heldBy: 'process' | 'lease' | 'session';
  /** `rule ends` is a hazard: the engine commits after the unlock. */
  readonly until: 'commit' | 'rule ends';
  /**
   * Called once per process, with clients that are connected unless their server is away; the guardian
   * is closed when the process stops.
   */
  open(backends: Backends, tuning: Tuning): Promise<Guardian>;
}

export interface Guardian {
  /**
   * Takes all keys in the given (sorted) order, runs `inner` once and gives the keys back.
   * Throws `Failure('turn refused')` at the deadline and `Failure('store unavailable')` where the
   * lock store does not answer; otherwise ends exactly as `inner` ends: a release that fails is
   * told to `attempt.report`, never thrown.
   */
  turn<T>(attempt: Attempt, keys: readonly string[], inner: (held: Held) => Promise<T>): Promise<T>;
  /** Closes what `open` made; never the backends, which belong to the caller. */
  close(): Promise<void>;
}

export interface Held {
  /** Fencing token: one per turn, however many keys; minted with the grant, from one counter. */
  readonly token?: bigint;
  /** Aborted by the watchdog, or at the latest by a release that finds the lease gone. */
  readonly lost?: AbortSignal;
  /** Says the same, where `lost` is a getter that makes its signal: nobody pays for one to ask this. */
  isLost?(): boolean;
}

/** How a turn ended, told beside the result. `already gone` was given back before; `lost` had run out. */
export type ReleaseEnd = 'released' | 'already gone' | 'lost' | 'unknown';

export interface Attempt {
  readonly commandId: string;
  /** 1 for the first try. */
  readonly number: number;
  /** The moment, on the scale of `Backends.now`, after which no turn may be granted any more. */
  readonly deadlineMs: number;
  /** Called once per granted turn. */
  readonly report: (end: ReleaseEnd) => void;
  /** Makes the error to throw, so that a strategy from outside needs nothing of ours at run time. */
  readonly failure: (code: FailureCode, cause?: unknown) => Error;
}

/** What turns are built from. Time and chance come from here, so that an explorer can own them. */
export interface Backends {
  /** Connections for session locks only; work never waits for them. */
  readonly locks: Pool;
  /** The lock node. Commands fail at once while it is away (no offline queue). */
  readonly redis: Redis;
  /** Independent nodes for Redlock. */
  readonly redisNodes: readonly Redis[];
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
  /** Ends after so many milliseconds, or with `until` where that comes first. */
  readonly sleep: (ms: number, until?: Promise<unknown>) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface Tuning {
  /** How long a command may wait for its turn, all attempts together. */
  readonly waitMs: number;
  /** How long a lease lasts without an extension. */
  readonly leaseMs: number;
  /** Whether a watchdog extends leases while the work runs. */
  readonly extendLease: boolean;
  readonly attemptsMax: number;
}
