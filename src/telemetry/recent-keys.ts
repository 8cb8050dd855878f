/** The strategies under which a key was accepted; `mixed` stands for several. */
export type Keys = ReadonlyMap<string, string>;

/** Keys that wait for their audit, oldest first, and never more than a bound. */
export class RecentKeys {
  readonly #keysMax: number;
  readonly #strategies = new Map<string, string>();

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#strategies.size;
  }

  /** Returns how many older keys had to be dropped for it: 0 or 1. */
  add(key: string, strategy: string): number {
    const known = this.#strategies.get(key);
    this.#strategies.set(key, known === undefined || known === strategy ? strategy : 'mixed');
    if (this.#strategies.size <= this.#keysMax) return 0;
    for (const oldest of this.#strategies.keys()) {
      this.#strategies.delete(oldest);
      return 1;
    }
    return 0;
  }

  /** Takes out the oldest. */
  take(keysMax: number): Keys {
    const taken = new Map<string, string>();
    for (const [key, strategy] of this.#strategies) {
      if (taken.size >= keysMax) break;
      taken.set(key, strategy);
    }
    for (const key of taken.keys()) this.#strategies.delete(key);
    return taken;
  }
}
