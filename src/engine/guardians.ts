import type { Backends, Guardian, Strategy, Tuning, Turn } from '../contract/index.ts';

/**
 * The opened turns of every strategy in use: opened at the first command, closed with the engine.
 * By turn and not by strategy: two strategies that share a turn (one of them composed) have to meet
 * in the same guardian, or a lock inside the process would be two locks.
 */
export class Guardians {
  readonly #backends: Backends;
  readonly #tuning: Tuning;
  readonly #opened = new Map<Turn, Promise<Guardian>>();

  constructor(backends: Backends, tuning: Tuning) {
    this.#backends = backends;
    this.#tuning = tuning;
  }

  /** In the order of `strategy.turns`. A failed opening is tried again by the next command. */
  of(strategy: Strategy): Promise<readonly Guardian[]> {
    return Promise.all(strategy.turns.map(turn => this.#guardianOf(turn)));
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#opened.values());
    const guardians = opened.flatMap(result =>
      result.status === 'fulfilled' ? [result.value] : [],
    );
    await Promise.allSettled(guardians.map(guardian => guardian.close()));
    this.#opened.clear();
  }

  #guardianOf(turn: Turn): Promise<Guardian> {
    const known = this.#opened.get(turn);
    if (known) return known;
    const opening = turn.open(this.#backends, this.#tuning);
    this.#opened.set(turn, opening);
    opening.catch(() => this.#opened.delete(turn));
    return opening;
  }
}
