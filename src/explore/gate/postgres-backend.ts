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

/** Who a gate lets in by itself: the role and the password of the URL that it was made from. */
export interface Login {
  readonly user: string;
  readonly password: string;
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
  /** The server asked the client who it is: whoever comes next has to be asked, too. */
  asked = false;
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
    return this.#started && !this.closed;
  }

  /** What the server said up to its first ReadyForQuery, without its questions. */
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
    const asks = message.type === 'R' && message.bytes.readInt32BE(5) !== 0;
    this.asked ||= asks;
    if (message.type === 'K') this.pid = backendPid(message);
    if (!this.#started && !asks) this.#greeting.push(message.bytes);
    if (message.type === 'Z') {
      this.status = transactionStatus(message);
      this.#started = true;
    }
    this.#listener?.message(message);
  }
}

/**
 * Backends that wait for the next client with the same start-up packet: a fork and a handshake saved
 * per run. Where the server asked for a password, the gate asks for it again.
 */
export class WarmBackends {
  readonly login: Login;
  readonly #upstream: Upstream;
  readonly #idle: PostgresBackend[] = [];
  #closed = false;

  constructor(upstream: Upstream, login: Login) {
    this.#upstream = upstream;
    this.login = login;
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
    const known = !backend.asked || this.#knows(backend.startup);
    if (usable && known && backend.reusable && !this.#closed) this.#idle.push(backend);
    else backend.destroy();
  }

  #knows(startup: string): boolean {
    const { user, password } = this.login;
    return password !== '' && startup.includes(`user\0${latin1(user)}\0`);
  }

  /** Those that wait are no use any more; new ones are made. */
  forget(): void {
    for (const backend of this.#idle.splice(0)) backend.destroy();
  }

  close(): void {
    this.#closed = true;
    for (const backend of this.#idle.splice(0)) backend.destroy();
  }
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** A server and the backends that are open to it. */
export interface PostgresServer {
  readonly upstream: Upstream;
  readonly warm: WarmBackends;
}

export function simpleQuery(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(5);
  head.write('Q');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
