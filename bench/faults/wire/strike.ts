/** One command, held at one message: shared by the taps of all stores. */
import type { Purpose, WirePoint } from '../phases.ts';

/** A message of the command, as a tap saw it. */
export interface Seen {
  readonly store: WirePoint['store'];
  /** The server and the number of the connection there. */
  readonly connection: string;
  readonly side: 'request' | 'reply';
  readonly purpose: Purpose | 'other';
  /** For the record: shortened. */
  readonly text: string;
  /** Of a reply of a lock store: whether it grants; an error (a script that it does not know) is neither. */
  readonly grants?: 'yes' | 'no' | 'error';
}

/** One line of the proof: what passed or was held, in order. */
export interface WireLine extends Omit<Seen, 'grants'> {
  /** On the clock of `performance.now()`. */
  readonly atMs: number;
  readonly held: boolean;
}

const linesMax = 200;
/** A lock request that the server has not answered for so long is waiting in it. */
const unansweredMs = 150;

/** Waits for the first command on its key, follows its connections, and holds it at its point. */
export class Strike {
  readonly key: string;
  readonly point: WirePoint;
  readonly lines: WireLine[] = [];
  /** The backends that serve the command: for its work, and for its session lock. */
  readonly backends: { work: number | undefined; locks: number | undefined } = {
    work: undefined,
    locks: undefined,
  };
  readonly #nodes: number;
  readonly #claims = new Map<string, string>();
  readonly #resumes: (() => void)[] = [];
  readonly #reached: Promise<void>;
  #reach: () => void = () => {};
  #committed = false;
  #released = false;
  #held = 0;
  #unanswered: NodeJS.Timeout | undefined;

  /** `nodes`: on how many servers a point of each node is. */
  constructor(key: string, point: WirePoint, nodes: number) {
    this.key = key;
    this.point = point;
    this.#nodes = point.servers === 'each node' ? nodes : 1;
    this.#reached = new Promise(resolve => {
      this.#reach = resolve;
    });
  }

  /**
   * Whether a connection is this command's: the first one that names the key is, of each kind; those of
   * later commands on the key are not.
   */
  claims(kind: string, connection: string): boolean {
    if (!this.#claims.has(kind)) this.#claims.set(kind, connection);
    return this.#claims.get(kind) === connection;
  }

  /** What a request of the lock store is for: behind the COMMIT it can only be the release. */
  get lockPurpose(): Purpose {
    return this.#committed ? 'release' : 'lock';
  }

  /** The connection on which the message is held; undefined before that. */
  get heldConnection(): string | undefined {
    return this.lines.find(({ held }) => held)?.connection;
  }

  /** Notes a message; true: hold it, and call `held`. */
  sees(seen: Seen): boolean {
    const held = this.#isPoint(seen);
    const { grants: _, ...line } = seen;
    if (this.lines.length < linesMax) this.lines.push({ ...line, atMs: performance.now(), held });
    if (!held) this.#passes(seen);
    return held;
  }

  /** A tap holds a message, and goes on with it on `resume`. */
  held(resume: () => void): void {
    if (this.#released) {
      resume();
      return;
    }
    this.#resumes.push(resume);
    this.#held += 1;
    if (this.#held >= this.#nodes) this.#reach();
  }

  /** Whether the command got to the point in time. */
  async reached(withinMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>(resolve => {
      timer = setTimeout(resolve, withinMs, false);
    });
    return Promise.race([this.#reached.then(() => true), late]).finally(() => clearTimeout(timer));
  }

  /** Lets pass what is held, and holds nothing from now on. Idempotent. */
  release(): void {
    this.#released = true;
    clearTimeout(this.#unanswered);
    for (const resume of this.#resumes.splice(0)) resume();
  }

  #isPoint({ store, purpose, side, grants = 'yes' }: Seen): boolean {
    const { point } = this;
    if (this.#released || purpose !== point.purpose) return false;
    return store === point.store && side === point.hold && grants === 'yes';
  }

  #passes({ store, purpose, side, grants }: Seen): void {
    if (purpose === 'commit' && side === 'reply') this.#committed = true;
    const { point } = this;
    if (point.hold !== 'unanswered' || store !== point.store || purpose !== point.purpose) return;
    clearTimeout(this.#unanswered);
    if (side === 'reply') {
      if (grants === 'no') this.#reach();
    } else if (store === 'postgres') this.#unanswered = setTimeout(this.#reach, unansweredMs);
  }
}

const textMax = 100;

/** A statement or a command on one line. */
export function shortText(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > textMax ? `${line.slice(0, textMax - 1)}…` : line;
}
