/** Cuts a connection that is still in use at a given time, on the clock of `performance.now()`. */
export class CutTimer {
  readonly #cut: () => void;
  #expired = false;
  #timer: NodeJS.Timeout;

  constructor(atMs: number, cut: () => void) {
    this.#cut = cut;
    this.#timer = this.#at(atMs);
  }

  /** True once the time has passed, whether or not there was a connection to cut. */
  get expired(): boolean {
    return this.#expired;
  }

  extend(atMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = this.#at(atMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #at(atMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#expired = true;
      this.#cut();
    }, atMs - performance.now());
  }
}
