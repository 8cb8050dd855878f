import type { PoolClient } from 'pg';
import type { Interruptible } from './giving-up.ts';

/** A connection on loan from the pool to one transaction. */
export interface PooledConnection extends Interruptible {
  readonly client: PoolClient;
  readonly poolMs: number;
  /** Whether statements are prepared by name; a pooler may not support that. */
  readonly prepare: boolean;
  /** The lock_timeout of the connection; a shorter one is set after BEGIN. */
  readonly lockTimeoutMs: number;
  /** Returns the connection to the pool, or closes it if it may be in a bad state. */
  release(broken: boolean): void;
}
