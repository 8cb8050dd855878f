import type { ActorRealm } from './actor-realm.ts';

/** Stands in for Node's Timeout inside an actor. */
export class VirtualTimer {
  readonly callback: () => void;
  readonly everyMs: number | undefined;
  dueMs: number;
  readonly #realm: ActorRealm;
  readonly #delayMs: number;
  #referenced = true;

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
    this.#realm.cancel(this);
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
