import { parentGone } from '../../services/parent.ts';

const cannotStart = 1;

/**
 * The first signal shuts down gracefully, the second at once. Steps are added during startup. Only
 * SIGTERM comes from somebody who knows of balancers that have to hear of it first.
 */
export class Stop {
  readonly #abort = new AbortController();
  readonly #steps: ((patient: boolean) => Promise<unknown> | undefined)[] = [];
  #kill: () => void = () => {};
  #begun = false;

  constructor() {
    process.on('SIGINT', () => void this.#signalled(130, false));
    process.on('SIGTERM', () => void this.#signalled(143, true));
    parentGone().addEventListener('abort', () => void this.#signalled(143, false));
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Adds a step that runs before those added earlier; `patient` where there is time for a lame duck. */
  before(step: (patient: boolean) => Promise<unknown> | undefined): void {
    this.#steps.unshift(step);
  }

  atOnce(kill: () => void): void {
    this.#kill = kill;
  }

  /** Prints the message, closes what is open, and exits. */
  async fail(message: string): Promise<never> {
    if (!this.#begun) console.error(message);
    await this.#close(false);
    return process.exit(this.#begun ? 0 : cannotStart);
  }

  async #signalled(code: number, patient: boolean): Promise<void> {
    if (this.#begun) {
      this.#kill();
      process.exit(code);
    }
    this.#begun = true;
    this.#abort.abort();
    await this.#close(patient);
    process.exit(0);
  }

  async #close(patient: boolean): Promise<void> {
    for (const step of this.#steps.splice(0)) await step(patient);
  }
}
