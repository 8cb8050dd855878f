/** Waiting for a connection, with a deadline: pg-pool has one time limit for waiting and for connecting. */

interface Waiter {
  readonly grant: () => void;
  readonly refuse: () => void;
}

/**
 * Admits at most `places` holders at once, first come first served. Waiting is bounded by each
 * waiter's deadline and the line by `waitersMax`.
 */
export class AdmissionQueue {
  #free: number;
  readonly #waiters: Waiter[] = [];
  readonly #waitersMax: number;

  constructor(places: number, waitersMax = 10_000) {
    this.#free = places;
    this.#waitersMax = waitersMax;
  }

  /** How many wait now. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /** Places that nobody holds. */
  get free(): number {
    return this.#free;
  }

  /** True when a place was had within `limitMs`; the holder gives it back with `leave`. */
  enter(limitMs: number): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(true);
    }
    if (limitMs <= 0 || this.#waiters.length >= this.#waitersMax) return Promise.resolve(false);
    return new Promise(resolve => {
      const waiter: Waiter = {
        grant: () => {
          clearTimeout(timer);
          resolve(true);
        },
        refuse: () => {
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
          resolve(false);
        },
      };
      const timer = setTimeout(waiter.refuse, limitMs);
      this.#waiters.push(waiter);
    });
  }

  leave(): void {
    const next = this.#waiters.shift();
    if (next) next.grant();
    else this.#free += 1;
  }
}
