/**
 * Waiting for one of a few slots with a deadline of one's own: pg-pool has one timeout for waiting and
 * connecting.
 */

/** How asking for a slot ended; only `granted` has one. */
export type Admission = 'granted' | 'too late' | 'too many' | 'left';

interface Waiter {
  readonly end: (admission: Admission) => void;
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

  /**
   * `granted` if a slot became free within `limitMs`; the holder releases it with `leave`. A waiter
   * whose signal is aborted gives its place up.
   */
  enter(limitMs: number, left?: AbortSignal): Promise<Admission> {
    if (left?.aborted) return Promise.resolve('left');
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve('granted');
    }
    if (limitMs <= 0) return Promise.resolve('too late');
    if (this.#waiters.length >= this.#waitersMax) return Promise.resolve('too many');
    return new Promise(resolve => {
      const waiter: Waiter = {
        end: admission => {
          clearTimeout(timer);
          left?.removeEventListener('abort', onLeft);
          resolve(admission);
        },
      };
      const out = (admission: Admission): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        waiter.end(admission);
      };
      const onLeft = (): void => out('left');
      const timer = setTimeout(out, limitMs, 'too late');
      left?.addEventListener('abort', onLeft);
      this.#waiters.push(waiter);
    });
  }

  leave(): void {
    const next = this.#waiters.shift();
    if (next) next.end('granted');
    else this.#free += 1;
  }
}
