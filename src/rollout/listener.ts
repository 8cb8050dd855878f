import type pg from 'pg';
import { assignmentChannel } from './assignment-schema.ts';

const againFirstMs = 250;
const againMaxMs = 5_000;

/** What a listener needs. */
export interface ListenerOptions {
  /** A connection of its own, not connected yet. */
  readonly client: () => pg.Client;
  /** Called for each message, and after each connecting: something may have been missed before. */
  readonly heard: () => void;
}

/** Hears of changed assignments at once; while it is not connected, polling has to do. */
export class Listener {
  readonly #options: ListenerOptions;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = againFirstMs;
  #stopped = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#listen();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => {}); // it has gone
  }

  async #listen(): Promise<void> {
    const client = this.#options.client();
    this.#client = client;
    client.on('error', () => {}); // 'end' comes behind it
    client.on('notification', () => this.#options.heard());
    client.once('end', () => this.#later());
    try {
      await client.connect();
      await client.query(`listen ${assignmentChannel}`);
      this.#pauseMs = againFirstMs;
      this.#options.heard();
    } catch {
      await client.end().catch(() => {});
      this.#later();
    }
  }

  #later(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#listen(), this.#pauseMs);
    this.#pauseMs = Math.min(againMaxMs, this.#pauseMs * 2);
  }
}
