import type { PostgresMessage } from '../wire/postgres-replies.ts';
import { cString } from '../wire/postgres-unit.ts';
import type { Step } from './lane.ts';
import { emptyQuery } from './own-query.ts';
import { PostgresFlight } from './postgres-flight.ts';

const waitingMax = 10_000;

/** Notifications that a session listens for: each is held until the scheduler lets it arrive. */
export class PostgresInbox {
  readonly #waiting: PostgresMessage[] = [];

  /** Whether the message is a notification, which is kept. */
  keeps(message: PostgresMessage): boolean {
    if (message.type !== 'A') return false;
    if (this.#waiting.length >= waitingMax) throw new Error('too many notifications are waiting');
    this.#waiting.push(message);
    return true;
  }

  get step(): Step | undefined {
    const [message] = this.#waiting;
    if (message === undefined) return undefined;
    const channel = cString(message.bytes, 9);
    const payload = cString(message.bytes, 10 + Buffer.byteLength(channel));
    return {
      store: 'postgres',
      label: `receives ${channel} ${payload}`.trim(),
      shape: `receives ${channel}`,
      role: 'message',
    };
  }

  /** The next notification as a reply that has come, ready to be delivered. */
  take(): PostgresFlight | undefined {
    const { step } = this;
    const message = this.#waiting.shift();
    if (message === undefined) return undefined;
    const flight = new PostgresFlight(nothing, step);
    flight.messages.push(message);
    flight.answered = true;
    return flight;
  }

  /** The flight of an empty query, whose answer no client sees. */
  probe(): PostgresFlight {
    const flight = new PostgresFlight(nothing, undefined);
    flight.silent = true;
    return flight;
  }
}

const nothing = {
  kind: 'unit',
  bytes: emptyQuery,
  texts: [],
  prepared: [],
  binds: false,
  executes: false,
  ends: 'ready',
  replies: 0,
} as const;
