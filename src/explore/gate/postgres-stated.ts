import { statesIsolation } from './postgres-statement.ts';
import { type CancelReason, timeoutAsked } from './postgres-timeouts.ts';

/** What a session has said about itself, as far as its statements tell. */
export class Stated {
  /** Something on this connection asked for another isolation than the default. */
  isolation = false;
  /** A timeout that the session has set: it may end a wait, as an event. */
  timeout: CancelReason | undefined;
  /** It has asked for notifications. */
  listens = false;
  /** It may hold locks that last longer than its transactions. */
  locksSession = false;

  heed(text: string): void {
    this.isolation ||= statesIsolation(text);
    this.locksSession ||= /\badvisory_(?!xact)|_advisory_(?!xact)/i.test(text);
    this.listens ||= /^\s*listen\s/i.test(text);
    const asked = timeoutAsked(text);
    if (asked !== undefined) this.timeout = asked === 'none' ? undefined : asked;
  }
}
