import { realNow } from '../time/real-time.ts';
import type { CancelReason } from './cancelled.ts';

/** One request that a gate holds until the scheduler grants it. */
export interface Step {
  /** `postgres`, `redis`, `redis 2`, `http`: the store that it goes to. */
  readonly store: string;
  /** What the timeline shows. */
  readonly label: string;
  /** What `$1`, `$2` … of the label stand for. */
  readonly values?: readonly (string | null)[];
  /** The label with values masked: equal in every run of the same program. */
  readonly shape: string;
  /** 'begin' opens a transaction and does nothing else; 'message' is pushed by the server. */
  readonly role: 'begin' | 'request' | 'message';
  /** Why this one request holds more than one step that could not be split: `a DO block`. */
  readonly hides?: string;
  /** The Redis commands of this step, word by word. */
  readonly commands?: readonly (readonly string[])[];
}

/** What a Postgres session has said about itself, as far as its statements tell. */
export interface SessionFacts {
  /** Something on this connection asked for another isolation than the default. */
  readonly isolation: boolean;
  /** Its transactions may keep one snapshot: they are not READ COMMITTED for certain. */
  readonly keepsSnapshot: boolean;
  /** It may hold locks that last longer than its transactions. Set from outside the gate, too. */
  locksSession: boolean;
  /** A timeout that the session has set: it may end a wait, as an event. */
  readonly timeout: CancelReason | undefined;
}

/** A wait at the server that a request asks for; Redis only. */
export interface ServerWait {
  /** It ends by itself after so many milliseconds; undefined where it has no limit. */
  readonly limitMs: number | undefined;
  /** For the server itself to write or to copy, not for what somebody else does. */
  readonly forServer: boolean;
}

/** Keys that a step may have used. */
export interface TouchedKeys {
  readonly keys: readonly string[];
  readonly use: 'reads' | 'writes';
}

/**
 * One connection of one actor to one store, seen from the gate in its middle.
 * Requests are held one at a time; a granted one is in flight until its whole reply is held, too.
 * The scheduler asks these members and never which class a lane is; `BareLane` answers for stores to
 * which a question does not apply.
 */
export interface Lane {
  readonly actor: string;
  readonly store: string;
  /** The head of the queue: waits for a grant. */
  readonly held: Step | undefined;
  /** Granted and not yet delivered. */
  readonly inFlight: Step | undefined;
  /** The whole reply of `inFlight` is held. */
  readonly answered: boolean;
  /** Start-up, clean-up or a request that is no step is with the server: it answers by itself. */
  readonly busy: boolean;
  /** Both sides of this lane are gone. */
  readonly closed: boolean;
  /** A summary of the last reply: `1 row`, `error 40001`, `"OK"`. */
  readonly result: string;
  /** The last reply in canonical text: equal texts tell the client the same. */
  readonly reply?: string;
  /** Names of the columns of its rows, where the reply tells them. */
  readonly columns?: readonly string[];
  /** The backend's process id, once known; Postgres only. */
  readonly pid: number | undefined;
  /** `T` or `E` while a transaction is open; Postgres only. */
  readonly transaction: 'I' | 'T' | 'E';
  /** Steps granted so far. */
  readonly granted: number;
  /**
   * What shows which data a step touched: its text and the locks that it left (`statement`), the keys
   * that its commands name (`keys`), or nothing.
   */
  readonly evidence: 'statement' | 'keys' | 'none';
  /** Whom a step may let continue: anyone who waits, or only those that listen. */
  readonly frees: 'anybody' | 'listeners';
  /** It is told of what others do: by a message, or by the end of a wait at the server. */
  readonly listens: boolean;
  /** Others may profit when it closes: it has a transaction, a statement in flight or a lock. */
  readonly holds: boolean;
  /** Its step makes the server end what another connection has in flight. */
  readonly cancelsOther: boolean;
  /** What its session has said about itself; undefined where there are no SQL sessions. */
  readonly stated: SessionFacts | undefined;
  /** A backend serves its client, and can be terminated; Postgres only. */
  readonly hasBackend: boolean;
  /** Its client got the answer to its Parse, and may send the Execute at once; Postgres only. */
  readonly rides: boolean;
  /** The request in flight may wait at the server, as a rule for another actor's write; Redis only. */
  readonly wait: ServerWait | undefined;
  /** The server may send to this connection without being asked; Redis only. */
  readonly subscribed: boolean;
  /** Its number at the server, known once a request waited with a limit; Redis only. */
  readonly clientId: number | undefined;
  /** The logical database that its client has selected; `0` where there is only one. */
  readonly database: string;
  /** A database that its client has named in place of that of its URL; Postgres only. */
  readonly otherDatabase: string | undefined;
  /** Keys that the last step may have used, undefined if any; where `evidence` is `keys`. */
  readonly lastTouched: TouchedKeys | undefined;
  grant(): void;
  /**
   * Time passes beside what it holds: the client may give up and leave, and the server has it all the
   * same. Without that, a client that leaves takes back what has not been granted.
   */
  sent(): void;
  /** Hands the held reply to the client; `lost` cuts the client off instead. */
  deliver(lost?: 'lost'): void;
  /** A statement that what-if inserted failed, and the caller does not know: `error 40001`. */
  readonly failed?: string | undefined;
  /** Its caller has been told its answer: what is inserted then is held from now on. */
  callerEnded(failed: boolean): void;
  /** The client sends no Execute after its Parse: the ride is over. Does nothing without one. */
  endRide(): void;
  /**
   * Resolves when every message that its server sent before is at the gate; at once where the server
   * cannot be asked on this connection.
   */
  messagesArrive(): Promise<void>;
  /** The statement in flight is about to be cancelled: its client is to read the error as this one. */
  readCancelAs(reason: CancelReason | undefined): void;
  /** Its backend is about to be ended from outside: it serves nobody after this client. */
  doom(): void;
  /**
   * The client is gone at once. What is in flight still takes effect at the server; so does the rest
   * of its message, unless `for good`.
   */
  cut(forGood?: 'for good'): void;
  /** Closes both sides for good, whatever is in flight. */
  destroy(): void;
}

/** What a gate tells the scheduler. */
export interface GateHost {
  /** Something moved: bytes came, a connection opened or closed. */
  activity(): void;
  /** A client or server uses what the gate does not support. */
  failed(error: Error): void;
  opened(lane: Lane): void;
}

/** A listening port that belongs to one actor and one store. */
export interface Gate {
  readonly port: number;
  /** A dead actor's gate refuses every new connection. */
  admits: boolean;
  close(): Promise<void>;
}

const firstWordMs = 250;

/**
 * Whether a new connection has yet to send its first bytes: its client is on the way to a step. One
 * that never sends any is waited for only briefly.
 */
export class FirstWord {
  readonly #openedAtMs = realNow();
  said = false;

  get expected(): boolean {
    return !this.said && realNow() - this.#openedAtMs < firstWordMs;
  }

  /** Sent, so that more will follow; or expected. */
  get awaited(): boolean {
    return this.said || this.expected;
  }
}

const shapeCharactersMax = 400;

/**
 * Masks values that differ between runs of one program: strings, numbers, uuids, hex, and what
 * looks like random base64.
 */
export function shapeOf(label: string): string {
  return label
    .replace(/'(?:[^']|'')*'/g, '?')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '?')
    .replace(/(?<![0-9a-z])[0-9a-f]{12,}(?![0-9a-z])/gi, '?')
    .replace(/[\w+/=-]{12,}/g, word => (looksRandom(word) ? '?' : word))
    .replace(/(?<![\w$])\d+(?:\.\d+)?/g, '?')
    .slice(0, shapeCharactersMax);
}

/** Names rarely change between lower case, upper case and digits; random text does all the time. */
function looksRandom(word: string): boolean {
  const changes = word.match(/[a-z](?=[A-Z\d])|[A-Z](?=[a-z\d])|\d(?=[a-zA-Z])/g);
  return (changes?.length ?? 0) > word.length / 5;
}
