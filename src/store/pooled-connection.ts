import type { PoolClient } from 'pg';

/** A connection on loan from the pool to one transaction. */
export interface PooledConnection {
  readonly client: PoolClient;
  readonly poolMs: number;
  /** Whether statements are prepared by name; a pooler may not support that. */
  readonly prepare: boolean;
  /** The lock_timeout of the connection; a shorter one is set after BEGIN. */
  readonly lockTimeoutMs: number;
  /** Cuts the connection, whatever is running on it. */
  cut(): void;
  /** Returns the connection to the pool, or closes it if it may be in a bad state. */
  release(broken: boolean): void;
}
