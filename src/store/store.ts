import type { Guard, Isolation, Query, Statement, Tx } from '../contract/index.ts';

/** What the engine requests from an adapter for one attempt. */
export interface TransactionPlan {
  readonly isolation: Isolation;
  readonly guard: readonly Guard[];
  /** The first statements, with the keys as `$1`. */
  readonly first: readonly Statement<{ granted: boolean }>[];
  readonly keys: readonly string[];
  /** True if a single statement decides: no BEGIN and no COMMIT. */
  readonly autocommit: boolean;
  readonly token?: bigint;
  /** Whether the lock is lost; then no further statement is sent. */
  readonly isLost: () => boolean;
  /** On the clock of `performance.now()`. Ends lock waits; what still runs shortly after is cut. */
  readonly deadlineMs: number;
  /** Aborted when nobody waits for the answer: until the deciding read returns, it is given up. */
  readonly left?: AbortSignal;
}

/** How long a statement may wait for a connection, and for its answer. */
export type Limits = Pick<TransactionPlan, 'deadlineMs' | 'left'>;

/**
 * One open transaction. Exactly one of `commit` and `rollback` ends it and frees the connection.
 */
export interface Transaction {
  readonly tx: Tx;
  /** Runs the engine's own statements, which do not count as the rule's deciding read. */
  readonly aside: Query;
  /** Time spent waiting for a free connection. */
  readonly poolMs: number;
  /**
   * When the deciding read returned, on the clock of `performance.now()`; undefined before that.
   */
  readonly decidedMs: number | undefined;
  /**
   * Throws `Failure('outcome-unknown')` if the reply is lost, or the failure that COMMIT returns.
   */
  commit(): Promise<void>;
  /** Never throws: a connection that cannot roll back is closed, which has the same effect. */
  rollback(): Promise<void>;
}

/** Every error that leaves a store is a `Failure`. */
export interface Store {
  begin(plan: TransactionPlan): Promise<Transaction>;
  /** One statement on any connection, in autocommit. */
  readonly query: Query;
  /** The same, within what is left of a command's time. */
  within(limits: Limits): Query;
  /** Several statements in one READ COMMITTED transaction. */
  transact<T>(work: (query: Query) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
