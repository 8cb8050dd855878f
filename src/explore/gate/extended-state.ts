import type { TransactionStatus } from '../wire/postgres-replies.ts';
import type { PostgresUnit } from '../wire/postgres-unit.ts';

/** Where a connection is between the Syncs of the extended protocol. */
export class ExtendedState {
  /** After an error the server skips to Sync; a Flush is then not answered. */
  skipping = false;
  /** An Execute was flushed outside a transaction and not yet synced: the Sync commits it. */
  commits = false;
  /** Something was flushed and not yet synced. */
  open = false;

  sends(unit: PostgresUnit, status: TransactionStatus): void {
    this.open = unit.ends === 'flush';
    if (!this.open) this.skipping = false;
    this.commits = this.open && (this.commits || (status === 'I' && unit.executes));
  }

  /** An error rolls back at once what the Sync would have committed. */
  fails(skipping: boolean): void {
    this.skipping = skipping;
    this.commits = false;
  }
}
