import type { ActorRealm } from './actor-realm.ts';

/** Far from the numbers that Node gives to its own. */
let lastNumber = 2 ** 40;
const numbered = new Map<number, VirtualTimer>();

/** Stands in for Node's Timeout inside an actor. */
export class VirtualTimer {
  /** The timer that was turned into this number. */
  static of(number: number | string): VirtualTimer | undefined {
    return numbered.get(Number(number));
  }

  readonly callback: () => void;
  readonly everyMs: number | undefined;
  dueMs: number;
  readonly #realm: ActorRealm;
  readonly #delayMs: number;
  #referenced = true;
  #number: number | undefined;

  constructor(
    realm: ActorRealm,
    callback: () => void,
    dueMs: number,
    delayMs: number,
    everyMs: number | undefined,
  ) {
    this.#realm = realm;
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
    this.dueMs = this.#realm.nowMs + this.#delayMs;
    this.#realm.schedule(this);
    return this;
  }

  close(): this {
    if (this.#number !== undefined) numbered.delete(this.#number);
    this.#realm.cancel(this);
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
