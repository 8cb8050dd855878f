import { Problem } from '../answer.ts';

const answerMs = 1_500; // the primary itself waits at most 1 s for the workers
const openMax = 32;

interface Open {
  readonly resolve: (text: string) => void;
  readonly reject: (problem: Problem) => void;
  readonly timer: NodeJS.Timeout;
}

/** A worker's requests to the primary for the metrics page of all processes. */
export class PageRequests {
  readonly #ask: (ask: number) => void;
  readonly #open = new Map<number, Open>();
  #last = 0;

  constructor(ask: (ask: number) => void) {
    this.#ask = ask;
  }

  /**
   * Throws `Problem` if the primary does not respond within 1.5 s, or too many requests are open.
   */
  get(): Promise<string> {
    if (this.#open.size >= openMax) return Promise.reject(new Problem('metrics-unavailable'));
    this.#last += 1;
    const ask = this.#last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#open.delete(ask);
        reject(new Problem('metrics-unavailable'));
      }, answerMs);
      this.#open.set(ask, { resolve, reject, timer });
      this.#ask(ask);
    });
  }

  take(ask: number, text: string): void {
    const open = this.#open.get(ask);
    if (!open) return;
    this.#open.delete(ask);
    clearTimeout(open.timer);
    if (text === '') open.reject(new Problem('metrics-unavailable'));
    else open.resolve(text);
  }
}
