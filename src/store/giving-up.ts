import { Failure } from '../contract/index.ts';

const triesMax = 5;
const pauseMs = 50; // a cancel that arrives before its statement does nothing

/** A connection whose statement can be stopped from outside. */
export interface Interruptible {
  /** Whether its effect, if any, is over: `cancelStatement`. */
  cancel(): Promise<boolean>;
  cut(): void;
}

/**
 * Gives up the statements of one connection when their caller leaves, for as long as nothing has been
 * decided. Each statement runs inside `during`: it is not sent while a cancel is on its way, which would
 * hit it in place of the one before.
 */
export class GivingUp {
  readonly #left: AbortSignal | undefined;
  readonly #connection: Interruptible;
  readonly #mayCut: boolean;
  #running = 0;
  #over = false;
  #inDoubt = false;
  #cancelling: Promise<void> | undefined;
  #onAnswered: () => void = () => {};

  /** `mayCut`: whether a connection that breaks leaves no doubt about what has happened. */
  constructor(left: AbortSignal | undefined, connection: Interruptible, mayCut: boolean) {
    this.#left = left;
    this.#connection = connection;
    this.#mayCut = mayCut;
    left?.addEventListener('abort', this.#giveUp);
  }

  /** Whether a statement was cancelled, or tried to be. */
  get began(): boolean {
    return this.#cancelling !== undefined;
  }

  /** Whether a cancel may still come: then nothing may be sent on this connection any more. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /** Resolves when no cancel is on its way; undefined if none was sent. */
  get settled(): Promise<void> | undefined {
    return this.#cancelling;
  }

  /** Runs a statement. Throws `Failure('caller-left')` in its place where it is not to be sent. */
  async during<T>(statement: () => Promise<T>): Promise<T> {
    if (this.#cancelling) await this.#cancelling;
    if (this.#inDoubt || (!this.#over && this.#left?.aborted)) throw new Failure('caller-left');
    this.#running += 1;
    try {
      return await statement();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#onAnswered();
    }
  }

  /** From here on everything runs to its end. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#left?.removeEventListener('abort', this.#giveUp);
  }

  readonly #giveUp = (): void => {
    if (this.#running > 0 && !this.#over) this.#cancelling ??= this.#cancel();
  };

  async #cancel(): Promise<void> {
    for (let tries = 1; this.#running > 0 && !this.#over && tries <= triesMax; tries += 1) {
      if (!(await this.#connection.cancel())) {
        this.#inDoubt = true;
        if (this.#mayCut) this.#connection.cut();
        return;
      }
      if (this.#running > 0) await this.#answered(pauseMs * tries);
    }
  }

  /** Resolves when nothing runs any more, or after `limitMs`. */
  #answered(limitMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, limitMs);
      this.#onAnswered = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
