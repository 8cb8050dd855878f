import type { Guard, Isolation, Query, Statement, Tx } from '../contract/index.ts';

/** What the engine asks of an adapter for one attempt. */
export interface TransactionPlan {
  readonly isolation: Isolation;
  readonly guard: readonly Guard[];
  /** Sent first, with the keys as `$1`. */
  readonly first: readonly Statement<{ granted: boolean }>[];
  readonly keys: readonly string[];
  /** True where one statement decides alone: no BEGIN and no COMMIT. */
  readonly autocommit: boolean;
  readonly token?: bigint;
  /** Whether the turn is lost: no further statement is sent then. */
  readonly isLost: () => boolean;
  /** On the scale of `performance.now()`. Lock waits end then; what still runs a moment later is cut. */
  readonly deadlineMs: number;
}

/** One open transaction. Exactly one of `commit` and `rollback` ends it and frees the connection. */
export interface Transaction {
  readonly tx: Tx;
  /** Statements of the engine's own beside the rule: they say nothing about when it could decide. */
  readonly aside: Query;
  /** How long a free connection was waited for. */
  readonly poolMs: number;
  /** When the deciding read had answered, on the scale of `performance.now()`; undefined before. */
  readonly decidedMs: number | undefined;
  /** Throws `Failure('outcome-unknown')` where the reply is lost, and what COMMIT itself refuses. */
  commit(): Promise<void>;
  /** Never throws: a connection that cannot roll back is closed, which rolls back. */
  rollback(): Promise<void>;
}

/** Every error that leaves a store is a `Failure`. */
export interface Store {
  begin(plan: TransactionPlan): Promise<Transaction>;
  /** One statement on any connection, committed by itself. */
  readonly query: Query;
  /** Several statements in one READ COMMITTED transaction. */
  transact<T>(work: (query: Query) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
