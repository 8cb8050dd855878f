/** Far from the numbers that Node gives to its own. */
let lastNumber = 2 ** 40;
const numbered = new Map<number, VirtualTimer>();

/** The clock that a timer belongs to. */
export interface TimerClock {
  /** The present, in milliseconds. */
  readonly nowMs: number;
  schedule(timer: VirtualTimer): void;
  cancel(timer: VirtualTimer): void;
}

/** Stands in for Node's Timeout inside an actor. */
export class VirtualTimer {
  /** The timer that was turned into this number. */
  static of(number: number | string): VirtualTimer | undefined {
    return numbered.get(Number(number));
  }

  readonly callback: () => void;
  readonly everyMs: number | undefined;
  dueMs: number;
  readonly #clock: TimerClock;
  readonly #delayMs: number;
  #referenced = true;
  #number: number | undefined;

  constructor(
    clock: TimerClock,
    callback: () => void,
    dueMs: number,
    delayMs: number,
    everyMs: number | undefined,
  ) {
    this.#clock = clock;
    this.callback = callback;
    this.dueMs = dueMs;
    this.#delayMs = delayMs;
    this.everyMs = everyMs;
  }

  ref(): this {
    this.#referenced = true;
    return this;
  }

  unref(): this {
    this.#referenced = false;
    return this;
  }

  hasRef(): boolean {
    return this.#referenced;
  }

  refresh(): this {
    this.dueMs = this.#clock.nowMs + this.#delayMs;
    this.#clock.schedule(this);
    return this;
  }

  close(): this {
    if (this.#number !== undefined) numbered.delete(this.#number);
    this.#clock.cancel(this);
    return this;
  }

  /** A timer may be kept as a number, and cleared by it. */
  [Symbol.toPrimitive](): number {
    if (this.#number === undefined) {
      lastNumber += 1;
      this.#number = lastNumber;
      numbered.set(lastNumber, this);
    }
    return this.#number;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
