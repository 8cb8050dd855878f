import type { Backends } from '../../src/contract/index.ts';
import { isReply } from './redis-script.ts';

const orphansMax = 10_000;
const atOnceMax = 100;
const pauseMinMs = 20;
const pauseMaxMs = 250;

type Clear = () => Promise<unknown>;

/**
 * Clears away what may be left behind at one server when a reply is lost: a key that nobody holds
 * keeps everybody out for a lease, and at a server that was frozen that lease begins with the thaw.
 * So it goes on until the server has answered, however long it was away, or until `close`.
 */
export class Orphans {
  readonly #sleep: Backends['sleep'];
  readonly #left = new Set<Clear>();
  readonly #closing: Promise<void>;
  #close: () => void = () => {};
  #closed = false;
  #count = 0;
  #runs = false;

  constructor({ sleep }: Pick<Backends, 'sleep'>) {
    this.#sleep = sleep;
    this.#closing = new Promise(resolve => {
      this.#close = resolve;
    });
  }

  /**
   * Runs `clear` at once, so that it is sent behind the command that was not answered, and again
   * until it is answered. Returns at once. Beyond 10 000 the lease has to end by itself.
   */
  add(clear: Clear): void {
    if (this.#closed || this.#count >= orphansMax) return;
    this.#count += 1;
    this.#left.add(clear);
    void this.#try(clear).then(() => this.#run());
  }

  close(): void {
    this.#closed = true;
    this.#close();
  }

  /** One of them asks whether the server is back; then come the others. */
  async #run(): Promise<void> {
    if (this.#runs) return;
    this.#runs = true;
    for (
      let pauseMs = pauseMinMs;
      this.#left.size > 0;
      pauseMs = Math.min(pauseMaxMs, pauseMs * 2)
    ) {
      await this.#sleep(pauseMs, this.#closing);
      if (this.#closed) return;
      const [first, ...others] = this.#left;
      let answered = first !== undefined && (await this.#try(first));
      for (let from = 0; answered && from < others.length; from += atOnceMax) {
        const some = await Promise.all(
          others.slice(from, from + atOnceMax).map(clear => this.#try(clear)),
        );
        answered = some.every(Boolean);
      }
    }
    this.#runs = false;
  }

  /** Whether the server answered; then there is nothing more to do. */
  async #try(clear: Clear): Promise<boolean> {
    if (!this.#left.has(clear)) return true;
    const answered = await clear().then(() => true, isAnswer);
    if (answered && this.#left.delete(clear)) this.#count -= 1;
    return answered;
  }
}

const later =
  /^(LOADING|BUSY|MASTERDOWN|READONLY|MISCONF|NOREPLICAS|TRYAGAIN|CLUSTERDOWN|NOAUTH)\b/;

/** An error that the server has told, and not one that passes. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && isReply(error) && !later.test(error.message);
}
