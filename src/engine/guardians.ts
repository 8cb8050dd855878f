import type { Backends, Guardian, Strategy, Tuning } from '../contract/index.ts';

/** The opened turns of every strategy in use: opened at the first command, closed with the engine. */
export class Guardians {
  readonly #backends: Backends;
  readonly #tuning: Tuning;
  readonly #opened = new Map<Strategy, Promise<readonly Guardian[]>>();

  constructor(backends: Backends, tuning: Tuning) {
    this.#backends = backends;
    this.#tuning = tuning;
  }

  /** In the order of `strategy.turns`. A failed opening is tried again by the next command. */
  of(strategy: Strategy): Promise<readonly Guardian[]> {
    const known = this.#opened.get(strategy);
    if (known) return known;
    const opening = Promise.all(
      strategy.turns.map(turn => turn.open(this.#backends, this.#tuning)),
    );
    this.#opened.set(strategy, opening);
    opening.catch(() => this.#opened.delete(strategy));
    return opening;
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#opened.values());
    const guardians = opened.flatMap(result => (result.status === 'fulfilled' ? result.value : []));
    await Promise.allSettled(guardians.map(guardian => guardian.close()));
    this.#opened.clear();
  }
}
