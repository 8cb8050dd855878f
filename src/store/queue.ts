/**
 * Waiting for a connection with its own deadline: pg-pool has one timeout for waiting and
 * connecting.
 */

interface Waiter {
  readonly grant: () => void;
  readonly refuse: () => void;
}

/**
 * A FIFO semaphore with `slots` slots. Each wait is bounded by the waiter's deadline, the queue by
 * `waitersMax`.
 */
export class AdmissionQueue {
  #free: number;
  readonly #waiters: Waiter[] = [];
  readonly #waitersMax: number;

  constructor(slots: number, waitersMax = 10_000) {
    this.#free = slots;
    this.#waitersMax = waitersMax;
  }

  /** Current number of waiters. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /** Number of free slots. */
  get free(): number {
    return this.#free;
  }

  /** True if a slot became free within `limitMs`; the holder releases it with `leave`. */
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
