import type { PostgresUnit } from '../wire/postgres-unit.ts';
import type { CancelReason } from './cancelled.ts';
import type { SessionFacts } from './lane.ts';
import { statementsOf, statesIsolation } from './postgres-statement.ts';
import type { ServerTimeouts } from './server-timeouts.ts';
import { endsTransaction, takesSnapshot } from './statement-kind.ts';

/** What a session has said about itself, as far as its statements tell. */
export class Stated implements SessionFacts {
  /** Something on this connection asked for another isolation than the default. */
  isolation = false;
  /** It has asked for notifications. */
  listens = false;
  /** It may hold locks that last longer than its transactions. */
  locksSession = false;
  timeouts: ServerTimeouts | undefined;
  /** The open transaction has taken a snapshot. */
  #read = false;

  /** A timeout that the session has set: it may end a wait, as an event. */
  get timeout(): CancelReason | undefined {
    return this.timeouts?.first;
  }

  /** Its transactions may keep one snapshot: they are not READ COMMITTED for certain. */
  get keepsSnapshot(): boolean {
    return this.isolation || this.timeouts?.snapshotsByDefault === true;
  }

  /** A transaction that may keep one snapshot, and has none yet. */
  get unread(): boolean {
    return this.keepsSnapshot && !this.#read;
  }

  heed(text: string): void {
    this.isolation ||= statesIsolation(text);
    this.locksSession ||= /\badvisory_(?!xact)|_advisory_(?!xact)/i.test(text);
    this.listens ||= /\blisten\b/i.test(text); // behind a comment or a BEGIN, or in a block
  }

  /** Called when the unit goes to the server. */
  sends(unit: PostgresUnit): void {
    for (const statement of statementsOf(unit)) {
      if (endsTransaction(statement)) this.#read = false;
      else if (takesSnapshot(statement)) this.#read = true;
    }
  }

  /** No transaction is open. */
  idle(): void {
    this.#read = false;
  }
}
