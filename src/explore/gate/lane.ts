import { realNow } from '../time/real-time.ts';

/** One request that a gate holds until the scheduler grants it. */
export interface Step {
  /** `postgres`, `redis`, `redis 2`, `http`: the store that it goes to. */
  readonly store: string;
  /** What the timeline shows. */
  readonly label: string;
  /** The label with values masked: equal in every run of the same program. */
  readonly shape: string;
  /** 'begin' opens a transaction and does nothing else; 'message' is pushed by the server. */
  readonly role: 'begin' | 'request' | 'message';
  /** Why this one request holds more than one step that could not be split: `a DO block`. */
  readonly hides?: string;
  /** The Redis commands of this step, word by word. */
  readonly commands?: readonly (readonly string[])[];
}

/**
 * One connection of one actor to one store, seen from the gate in its middle.
 * Requests are held one at a time; a granted one is in flight until its whole reply is held, too.
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
  /** Nothing of this lane is left, on neither side. */
  readonly closed: boolean;
  /** What the last reply amounted to: `1 row`, `error 40001`, `"OK"`. */
  readonly result: string;
  /** The last reply in canonical text: equal texts tell the client the same. */
  readonly reply?: string;
  /** The backend's process id, once known; Postgres only. */
  readonly pid: number | undefined;
  /** `T` or `E` while a transaction is open; Postgres only. */
  readonly transaction: 'I' | 'T' | 'E';
  /** Steps granted so far. */
  readonly granted: number;
  grant(): void;
  /** Hands the held reply to the client; `lost` cuts the client off instead. */
  deliver(lost?: 'lost'): void;
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
  /** A client or server that the gate cannot carry. */
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
 * Whether a connection that was made just now is still to say its first word: its client is on the
 * way to a step. One that never speaks is waited for shortly.
 */
export class FirstWord {
  readonly #openedAtMs = realNow();
  said = false;

  get expected(): boolean {
    return !this.said && realNow() - this.#openedAtMs < firstWordMs;
  }

  /** Said, so that more follows by itself; or to be said. */
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

/** A name changes between small letters, capitals and digits now and then; random text all the time. */
function looksRandom(word: string): boolean {
  const changes = word.match(/[a-z](?=[A-Z\d])|[A-Z](?=[a-z\d])|\d(?=[a-zA-Z])/g);
  return (changes?.length ?? 0) > word.length / 5;
}
