import { parentGone } from '../../services/parent.ts';

const cannotStart = 1;

/** The first signal shuts down gracefully, the second at once. Steps are added during startup. */
export class Stop {
  readonly #abort = new AbortController();
  readonly #steps: (() => Promise<unknown> | undefined)[] = [];
  #kill: () => void = () => {};
  #begun = false;

  constructor() {
    process.on('SIGINT', () => void this.#signalled(130));
    process.on('SIGTERM', () => void this.#signalled(143));
    parentGone().addEventListener('abort', () => void this.#signalled(143));
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Adds a step that runs before those added earlier. */
  before(step: () => Promise<unknown> | undefined): void {
    this.#steps.unshift(step);
  }

  atOnce(kill: () => void): void {
    this.#kill = kill;
  }

  /** Prints the message, closes what is open, and exits. */
  async fail(message: string): Promise<never> {
    if (!this.#begun) console.error(message);
    await this.#close();
    return process.exit(this.#begun ? 0 : cannotStart);
  }

  async #signalled(code: number): Promise<void> {
    if (this.#begun) {
      this.#kill();
      process.exit(code);
    }
    this.#begun = true;
    this.#abort.abort();
    await this.#close();
    process.exit(0);
  }

  async #close(): Promise<void> {
    for (const step of this.#steps.splice(0)) await step();
  }
}
