/** Keys with the strategy that accepted a command on them; `mixed` if there were several. */
export type Keys = ReadonlyMap<string, string>;

/** A bounded queue of keys waiting for their audit, oldest first. */
export class RecentKeys {
  readonly #keysMax: number;
  readonly #strategies = new Map<string, string>();

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#strategies.size;
  }

  /** Returns how many older keys had to be dropped: 0 or 1. */
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

  /** Removes and returns the oldest keys. */
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
