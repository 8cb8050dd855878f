import type { Backends, Guardian, Strategy, Tuning, Turn } from '../contract/index.ts';

/**
 * What turns are opened with. `connected` never rejects, and resolves soon even if a store is down.
 */
export type TurnBackends = Backends & { readonly connected?: Promise<unknown> };

/**
 * The open turns of all strategies in use: opened on the first command, closed with the engine.
 * Keyed by turn, not by strategy: two strategies that share a turn (one of them composed) must
 * share its guardian, or an in-process lock would become two locks.
 */
export class Guardians {
  readonly #backends: TurnBackends;
  readonly #tuning: Tuning;
  readonly #opened = new Map<Turn, Promise<Guardian>>();

  constructor(backends: TurnBackends, tuning: Tuning) {
    this.#backends = backends;
    this.#tuning = tuning;
  }

  /** In the order of `strategy.turns`. The next command retries a failed opening. */
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
