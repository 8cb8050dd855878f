import { connect, type Socket } from 'node:net';
import {
  backendPid,
  type PostgresMessage,
  PostgresReplies,
  type TransactionStatus,
  transactionStatus,
} from '../wire/postgres-replies.ts';

export interface Upstream {
  readonly host: string;
  readonly port: number;
}

export interface BackendListener {
  message(message: PostgresMessage): void;
  closed(): void;
}

/** One connection to the server: owned by a lane, or warm between two of them. */
export class PostgresBackend {
  readonly startup: string;
  pid: number | undefined;
  status: TransactionStatus = 'I';
  closed = false;
  /** The server let the client in without a question, so a next client may be let in likewise. */
  #unasked = true;
  #started = false;
  #listener: BackendListener | undefined;
  readonly #greeting: Buffer[] = [];
  readonly #socket: Socket;

  constructor(upstream: Upstream, startup: Buffer) {
    this.startup = startup.toString('latin1');
    this.#socket = connect({ host: upstream.host, port: upstream.port, noDelay: true });
    this.#socket.write(startup);
    const replies = new PostgresReplies();
    this.#socket.on('data', chunk => {
      for (const message of replies.push(chunk)) this.#received(message);
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => {
      this.closed = true;
      this.#listener?.closed();
    });
  }

  get reusable(): boolean {
    return this.#started && this.#unasked && !this.closed;
  }

  /** What the server said up to its first ReadyForQuery. */
  get greeting(): Buffer {
    return Buffer.concat(this.#greeting);
  }

  listen(listener: BackendListener | undefined): void {
    this.#listener = listener;
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  destroy(): void {
    this.closed = true;
    this.#socket.destroy();
  }

  /** Rolls back and forgets the session, as a disconnect would; resolves to whether it is usable. */
  async clean(): Promise<boolean> {
    if (!this.#started) return false;
    const statements = this.status === 'I' ? ['discard all'] : ['rollback', 'discard all'];
    for (const statement of statements) {
      const failed = await this.#ask(statement);
      if (failed) return false;
    }
    return true;
  }

  #ask(statement: string): Promise<boolean> {
    return new Promise(resolve => {
      let failed = this.closed;
      this.#listener = {
        message: message => {
          if (message.type === 'E') failed = true;
          if (message.type === 'Z') resolve(failed);
        },
        closed: () => resolve(true),
      };
      if (failed) resolve(true);
      else this.write(simpleQuery(statement));
    });
  }

  #received(message: PostgresMessage): void {
    if (message.type === 'R' && message.bytes.readInt32BE(5) !== 0) this.#unasked = false;
    if (message.type === 'K') this.pid = backendPid(message);
    if (!this.#started) this.#greeting.push(message.bytes);
    if (message.type === 'Z') {
      this.status = transactionStatus(message);
      this.#started = true;
    }
    this.#listener?.message(message);
  }
}

/** Backends that wait for the next client with the same start-up packet: a fork saved per run. */
export class WarmBackends {
  readonly #upstream: Upstream;
  readonly #idle: PostgresBackend[] = [];
  #closed = false;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  take(startup: Buffer): { readonly backend: PostgresBackend; readonly warm: boolean } {
    const key = startup.toString('latin1');
    const at = this.#idle.findIndex(backend => backend.startup === key && backend.reusable);
    const [backend] = at < 0 ? [] : this.#idle.splice(at, 1);
    if (backend !== undefined) return { backend, warm: true };
    return { backend: new PostgresBackend(this.#upstream, startup), warm: false };
  }

  /** Resolves when the backend holds nothing any more. */
  async giveBack(backend: PostgresBackend): Promise<void> {
    const usable = await backend.clean();
    backend.listen(undefined);
    if (usable && backend.reusable && !this.#closed) this.#idle.push(backend);
    else backend.destroy();
  }

  close(): void {
    this.#closed = true;
    for (const backend of this.#idle.splice(0)) backend.destroy();
  }
}

export function simpleQuery(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(5);
  head.write('Q');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
