import type { TransactionStatus } from '../wire/postgres-replies.ts';
import type { PostgresUnit } from '../wire/postgres-unit.ts';
import { type MessageParts, partsOf, type SessionParameters } from './message-parts.ts';

const queuedMax = 100_000;

/** Messages not yet passed on to the server: whole, or in parts where one hides several steps. */
export class UnitQueue {
  /** It is at the server, whatever becomes of the client. */
  sent = false;
  #units: PostgresUnit[] = [];
  /** The message that is being sent in parts. */
  #message: MessageParts | undefined;
  #begun = false;
  #head: PostgresUnit | undefined;

  push(unit: PostgresUnit): void {
    if (this.#units.length >= queuedMax) throw new Error('a client queued too many statements');
    this.#units.push(unit);
  }

  /** The next unit to send, given the session's status after the one before. */
  head(status: TransactionStatus, parameters: SessionParameters): PostgresUnit | undefined {
    if (this.#head !== undefined) return this.#head;
    if (this.#message !== undefined) {
      this.#head = this.#message.peek(status);
      if (this.#head === undefined) this.#message = undefined;
    }
    const [unit] = this.#units;
    if (this.#head !== undefined || unit === undefined) return this.#head;
    this.#units.shift();
    this.#message = partsOf(unit, status, parameters);
    this.#begun = false;
    this.#head = this.#message?.peek(status) ?? unit;
    return this.#head;
  }

  /** The head is on its way. */
  shift(): void {
    this.#message?.advance();
    this.#begun = true;
    this.#head = undefined;
  }

  /** The unit before the head failed: the rest of its message is skipped. */
  fail(): void {
    if (!this.#begun) return;
    this.#message?.fail();
    this.#head = undefined;
  }

  /**
   * The client is gone: what it asked for last is at the server already, in one piece; the rest of
   * that goes on there. All else was never sent.
   */
  leave(): PostgresUnit | undefined {
    const rest = this.#begun ? this.#message?.rest() : undefined;
    this.clear();
    return rest;
  }

  clear(): void {
    this.#units = [];
    this.#message = undefined;
    this.#head = undefined;
  }
}
