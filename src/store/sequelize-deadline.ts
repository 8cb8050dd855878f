import type { ClientBase } from 'pg';
import { cutConnection } from './connection.ts';

/** Cuts a connection still in use at the deadline, even one acquired only after it. */
export class Deadline {
  /** Set as soon as the pool provides one. */
  client: ClientBase | undefined;
  acquiredMs: number | undefined;
  #expired = false;
  #timer: NodeJS.Timeout;

  /** `atMs` on the clock of `performance.now()`. */
  constructor(atMs: number) {
    this.#timer = this.#at(atMs);
  }

  /** True once the deadline has passed, whether or not there was a connection to cut. */
  get expired(): boolean {
    return this.#expired;
  }

  acquired(client: ClientBase): void {
    this.client = client;
    this.acquiredMs = performance.now();
    if (this.#expired) this.cut();
  }

  cut(): void {
    if (this.client) cutConnection(this.client);
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
      this.cut();
    }, atMs - performance.now());
  }
}
