import type { ClientBase } from 'pg';
import { cancelOn, cutConnection } from './connection.ts';
import { CutTimer } from './cut-timer.ts';
import type { Interruptible } from './giving-up.ts';

/** Cuts a connection still in use at the deadline, even one acquired only after it. */
export class Deadline extends CutTimer implements Interruptible {
  /** Set as soon as the pool provides one. */
  client: ClientBase | undefined;
  acquiredMs: number | undefined;
  readonly #pooler: boolean;

  /** `atMs` on the clock of `performance.now()`; behind a `pooler` nothing can be cancelled. */
  constructor(atMs: number, pooler: boolean) {
    super(atMs, () => this.cut());
    this.#pooler = pooler;
  }

  acquired(client: ClientBase): void {
    this.client = client;
    this.acquiredMs = performance.now();
    if (this.expired) this.cut();
  }

  async cancel(): Promise<boolean> {
    return this.client !== undefined && !this.#pooler && (await cancelOn(this.client));
  }

  cut(): void {
    if (this.client) cutConnection(this.client);
  }
}
