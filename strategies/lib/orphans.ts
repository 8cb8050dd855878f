import type { Backends } from '../../src/contract/index.ts';

const orphansMax = 1_000;
const pauseMinMs = 20;
const pauseMaxMs = 500;

/**
 * Clears away what may be left behind when a reply is lost: a key that nobody holds would keep
 * everybody out until its lease is over. Bounded by that lease, and best effort.
 */
export class Orphans {
  readonly #backends: Pick<Backends, 'now' | 'sleep'>;
  #count = 0;
  #closed = false;

  constructor(backends: Pick<Backends, 'now' | 'sleep'>) {
    this.#backends = backends;
  }

  /**
   * Runs `clear` at once, so that it is sent behind the command that was not answered, and again
   * until it is answered or the lease is over anyway. Returns at once.
   */
  add(clear: () => Promise<unknown>, leaseMs: number): void {
    if (this.#closed || this.#count >= orphansMax) return;
    this.#count += 1;
    void this.#clear(clear, this.#backends.now() + leaseMs).finally(() => {
      this.#count -= 1;
    });
  }

  close(): void {
    this.#closed = true;
  }

  async #clear(clear: () => Promise<unknown>, untilMs: number): Promise<void> {
    const { now, sleep } = this.#backends;
    for (let pauseMs = pauseMinMs; ; pauseMs = Math.min(pauseMaxMs, pauseMs * 2)) {
      const cleared = await clear().then(
        () => true,
        () => false,
      );
      if (cleared || this.#closed || now() + pauseMs >= untilMs) return;
      await sleep(pauseMs);
    }
  }
}
