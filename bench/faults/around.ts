/** The surroundings of faults: those of one at a time. */
import type { NamedFault } from './fault.ts';
import type { Lab, Surroundings } from './stage.ts';

export class Around {
  readonly #lab: Lab;
  #fault: NamedFault | undefined;
  #surroundings: Surroundings | undefined;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Those of this fault from now on; opened unless they are there. Called before each injection. */
  async enter(fault: NamedFault): Promise<void> {
    if (this.#fault !== fault) {
      await this.leave();
      this.#surroundings = await fault.surroundings?.(this.#lab);
      this.#fault = fault;
    }
    await this.#surroundings?.renew?.();
  }

  /** As it was before. Idempotent. */
  async leave(): Promise<void> {
    const surroundings = this.#surroundings;
    this.#surroundings = undefined;
    this.#fault = undefined;
    await surroundings?.close();
  }
}
