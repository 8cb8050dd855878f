import type { Backends, Guardian, Strategy, Tuning, Turn } from '../contract/index.ts';

/** What turns are opened with. `connected` never rejects, and resolves soon where a store is away. */
export type TurnBackends = Backends & { readonly connected?: Promise<unknown> };

/**
 * The opened turns of every strategy in use: opened at the first command, closed with the engine.
 * By turn and not by strategy: two strategies that share a turn (one of them composed) have to meet
 * in the same guardian, or a lock inside the process would be two locks.
 */
export class Guardians {
  readonly #backends: TurnBackends;
  readonly #tuning: Tuning;
  readonly #opened = new Map<Turn, Promise<Guardian>>();

  constructor(backends: TurnBackends, tuning: Tuning) {
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
    const opening = this.#open(turn);
    this.#opened.set(turn, opening);
    opening.catch(() => this.#opened.delete(turn));
    return opening;
  }

  async #open(turn: Turn): Promise<Guardian> {
    await this.#backends.connected;
    return turn.open(this.#backends, this.#tuning);
  }
}
