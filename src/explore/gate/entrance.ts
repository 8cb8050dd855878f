import type { Socket } from 'node:net';
import { cString } from '../wire/postgres-unit.ts';
import { FirstWord } from './lane.ts';
import type { BackendListener, PostgresBackend, PostgresServer } from './postgres-backend.ts';
import { cleartextPasswordRequest, wrongPassword } from './postgres-password.ts';

/** How a client gets its backend: by its startup packet, and a password if the server asks for one. */
export class Entrance {
  backend: PostgresBackend | undefined;
  #phase: 'new' | 'starting' | 'asking' | 'ready' = 'new';
  readonly #server: PostgresServer;
  readonly #client: Socket;
  readonly #firstWord = new FirstWord();

  constructor(server: PostgresServer, client: Socket) {
    this.#server = server;
    this.#client = client;
  }

  /** The client may send queries. */
  get open(): boolean {
    return this.#phase === 'ready';
  }

  /** It is about to be let in. */
  get awaited(): boolean {
    return this.#phase !== 'ready' && this.#firstWord.awaited;
  }

  get asks(): boolean {
    return this.#phase === 'asking';
  }

  /** Takes a backend that was left by another client, or a new one. */
  start(startup: Buffer, listener: BackendListener): PostgresBackend {
    this.#firstWord.said = true;
    const { backend, warm } = this.#server.warm.take(startup);
    this.backend = backend;
    this.#phase = !warm ? 'starting' : backend.asked ? 'asking' : 'ready';
    backend.listen(listener);
    if (this.asks) this.#client.write(cleartextPasswordRequest);
    else if (warm) this.#client.write(backend.greeting);
    return backend;
  }

  /** The server has said that it is ready. */
  greeted(): void {
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  /** The password of a client that takes over a backend which the server has let in before. */
  answer(bytes: Buffer): void {
    if (cString(bytes, 5) === this.#server.warm.login.password) {
      this.#phase = 'ready';
      this.#client.write(this.backend?.greeting ?? '');
      return;
    }
    this.#client.end(wrongPassword().bytes);
  }
}
