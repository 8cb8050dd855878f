import type { PoolClient } from 'pg';

/** How a transaction reaches its connection, and gives it back. */
export interface Lane {
  readonly client: PoolClient;
  readonly poolMs: number;
  /** Whether texts are prepared by name; a pooler may not keep names. */
  readonly prepare: boolean;
  /** The lock_timeout of the connection; a shorter one is stated in BEGIN. */
  readonly lockTimeoutMs: number;
  /** Cuts the connection under whatever runs on it. */
  cut(): void;
  /** Gives the connection back, or closes it where it may be in a bad state. */
  leave(broken: boolean): void;
}
