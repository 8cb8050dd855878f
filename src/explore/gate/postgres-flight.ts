import type { PostgresMessage } from '../wire/postgres-replies.ts';
import type { PostgresUnit } from '../wire/postgres-unit.ts';
import type { Step } from './lane.ts';

const replyBytesMax = 256 * 1024 * 1024;
/** Answers to Parse, Bind, Describe, Close and Execute: what a Flush makes the server send. */
const flushed = new Set(['1', '2', '3', 't', 'T', 'n', 'C', 's', 'I']);

/** A unit that was sent, and its reply so far. */
export class PostgresFlight {
  readonly unit: PostgresUnit;
  /** Undefined for requests that are not steps. */
  readonly step: Step | undefined;
  readonly messages: PostgresMessage[] = [];
  copyingIn = false;
  answered = false;
  /** After an error the server skips to Sync; a Flush is then not answered. */
  skipping = false;
  /** Answered except for its Execute, which its client sends next: both are one step. */
  rides = false;
  /** No Execute of its client belongs to it. */
  alone = true;
  failed = false;
  /** The explorer asked, not the client. */
  silent = false;
  /** Resolves when the reply is complete or the connection is gone. */
  readonly done: Promise<void>;
  finish: () => void = () => undefined;
  #bytes = 0;
  #repliesLeft: number;

  constructor(unit: PostgresUnit, step: Step | undefined) {
    this.unit = unit;
    this.step = step;
    this.#repliesLeft = unit.replies;
    this.done = new Promise(resolve => {
      this.finish = resolve;
    });
  }

  /** Whether a unit is the Execute of what was parsed before. */
  goesOnWith(unit: PostgresUnit): boolean {
    return unit.executes && unit.texts[0] === this.unit.prepared[0];
  }

  /** Its client sends no Execute. */
  endRide(): void {
    if (!this.rides) return;
    this.rides = false;
    this.answered = true;
  }

  /** The messages so far, which the client is told at once. */
  take(): PostgresMessage[] {
    return this.messages.splice(0);
  }

  /** Takes the next message of the reply; true when it was the last. */
  add(message: PostgresMessage): boolean {
    this.messages.push(message);
    this.#bytes += message.bytes.length;
    if (this.#bytes > replyBytesMax) throw new Error('a reply is larger than 256 MiB');
    if (message.type === 'W') throw new Error('a gate does not carry replication');
    if (message.type === 'G') this.copyingIn = true;
    if (message.type === 'E') this.failed = true;
    if (this.unit.ends === 'ready') return message.type === 'Z';
    if (flushed.has(message.type)) this.#repliesLeft--;
    if (message.type === 'E') this.skipping = true;
    return this.#repliesLeft <= 0 || this.skipping;
  }
}
