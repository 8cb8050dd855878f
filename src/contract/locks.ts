/** What an operator sees of one lock, and can end. */
export interface LockState {
  readonly kind: 'lease' | 'advisory lock' | 'row lock' | 'table lock';
  /** Which server says so: `redis`, `redis node 2`, `postgres`. */
  readonly at: string;
  /** Usually one; shared locks have several. */
  readonly holders: readonly LockHolder[];
  /** In the order of arrival, where the store knows one. Whoever polls for a lock waits nowhere. */
  readonly waiters: readonly LockWaiter[];
  /** Set if the store does not say who holds it: why. */
  readonly unknown?: string;
}

/** Who holds a lock: a lease by its owner token, or a backend of Postgres. */
export interface LockHolder {
  /** Names this hold and no later one; a release must repeat it. Reveals no owner token. */
  readonly holder: string;
  /** For a lease: how long it lasts unless it is extended. */
  readonly remainingMs?: number;
  /** For a lease: when it was taken, or last extended, as far as LEASE_MS here is that of its holder. */
  readonly renewedMsAgo?: number;
  readonly backend?: LockBackend;
}

export interface LockWaiter {
  readonly waiter: string;
  readonly waitingMs?: number;
  readonly backend?: LockBackend;
}

/** A session of Postgres, as pg_stat_activity shows it; never its statement, which may have values. */
export interface LockBackend {
  readonly pid: number;
  readonly application: string;
  readonly client: string | null;
  readonly state: string | null;
  readonly backendStart: string;
  readonly transactionStart: string | null;
  readonly queryStart: string | null;
}

/** `free`: nobody held it any more. `changed`: somebody else does. */
export type LockRelease = 'released' | 'free' | 'changed';
