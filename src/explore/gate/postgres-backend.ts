import { connect, type Socket } from 'node:net';
import {
  backendPid,
  type PostgresMessage,
  PostgresReplies,
  type TransactionStatus,
  transactionStatus,
} from '../wire/postgres-replies.ts';
import { cString } from '../wire/postgres-unit.ts';
import { OwnQuery, ownQueries, simpleQuery } from './own-query.ts';
import type { Routines } from './routines.ts';
import { type Ask, ServerTimeouts } from './server-timeouts.ts';

export interface Upstream {
  readonly host: string;
  readonly port: number;
}

/** Who a gate lets in by itself: the role and the password of the URL that it was made from. */
export interface Login {
  readonly user: string;
  readonly password: string;
  /** The database of that URL, which is put back before each order. */
  readonly database: string;
}

export interface BackendListener {
  message(message: PostgresMessage): void;
  closed(): void;
}

/** One connection to the server: owned by a lane, or warm between two of them. */
export class PostgresBackend {
  readonly startup: string;
  /** Of the server's defaults: a backend keeps those that it started with. */
  readonly generation: number;
  readonly timeouts = new ServerTimeouts();
  /** What the server reports of itself: `client_encoding`, `standard_conforming_strings`. */
  readonly parameters = new Map<string, string>();
  pid: number | undefined;
  status: TransactionStatus = 'I';
  closed = false;
  /** The server asked for a password: later clients have to be asked, too. */
  asked = false;
  /**
   * It has been told to end: no other client gets it, even if it still answers and looks idle. It leaves
   * pg_stat_activity before its socket closes.
   */
  doomed = false;
  #started = false;
  #listener: BackendListener | undefined;
  #own: OwnQuery | undefined;
  readonly #greeting: Buffer[] = [];
  readonly #socket: Socket;

  constructor(upstream: Upstream, startup: Buffer, generation: number) {
    this.startup = startup.toString('latin1');
    this.generation = generation;
    this.#socket = connect({ host: upstream.host, port: upstream.port, noDelay: true });
    this.#socket.write(startup);
    const replies = new PostgresReplies();
    this.#socket.on('data', chunk => {
      for (const message of replies.push(chunk)) this.#received(message);
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => {
      this.closed = true;
      this.#own?.end();
      this.#listener?.closed();
    });
  }

  get reusable(): boolean {
    return this.#started && !this.closed && !this.doomed;
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
      const answer = await this.#exchange(simpleQuery(statement));
      if (answer === undefined) return false;
    }
    return this.timeouts.restart(this.ask);
  }

  /** Runs statements of the gate's own while the client waits; no client sees their answers. */
  readonly ask: Ask = statements => this.#exchange(ownQueries(statements));

  async #exchange(bytes: Buffer): Promise<readonly (readonly string[])[] | undefined> {
    if (this.closed) return undefined;
    const own = new OwnQuery();
    this.#own = own;
    this.write(bytes);
    const rows = await own.rows;
    this.#own = undefined;
    return rows;
  }

  #received(message: PostgresMessage): void {
    const asks = message.type === 'R' && message.bytes.readInt32BE(5) !== 0;
    this.asked ||= asks;
    if (message.type === 'K') this.pid = backendPid(message);
    if (message.type === 'S') {
      const name = cString(message.bytes, 5);
      this.parameters.set(name, cString(message.bytes, 6 + Buffer.byteLength(name)));
    }
    if (message.type === 'Z') this.status = transactionStatus(message);
    // What the server tells on its own account is the client's, whoever asked.
    if (this.#own !== undefined && !'AS'.includes(message.type)) {
      this.#own.add(message);
      return;
    }
    if (!this.#started && !asks) this.#greeting.push(message.bytes);
    if (message.type === 'Z' && !this.#started) void this.#begin(message);
    else this.#listener?.message(message);
  }

  /** The first ReadyForQuery reaches the client when the session's timeouts are known. */
  async #begin(ready: PostgresMessage): Promise<void> {
    await this.timeouts.start(this.ask);
    this.#started = true;
    this.#listener?.message(ready);
  }
}

/**
 * Backends that wait for the next client with the same startup packet, which saves a fork and a
 * handshake per run. Where the server asked for a password, the gate asks for it again.
 */
export class WarmBackends {
  readonly login: Login;
  readonly #upstream: Upstream;
  readonly #idle: PostgresBackend[] = [];
  #closed = false;
  #generation = 0;

  constructor(upstream: Upstream, login: Login) {
    this.#upstream = upstream;
    this.login = login;
  }

  take(startup: Buffer): { readonly backend: PostgresBackend; readonly warm: boolean } {
    const key = startup.toString('latin1');
    const at = this.#idle.findIndex(backend => backend.startup === key && backend.reusable);
    const [backend] = at < 0 ? [] : this.#idle.splice(at, 1);
    if (backend !== undefined) return { backend, warm: true };
    const fresh = new PostgresBackend(this.#upstream, startup, this.#generation);
    return { backend: fresh, warm: false };
  }

  /** Resolves when the backend holds nothing any more. */
  async giveBack(backend: PostgresBackend): Promise<void> {
    const usable = await backend.clean();
    backend.listen(undefined);
    const known = !backend.asked || this.#knows(backend.startup);
    const current = backend.generation === this.#generation && !this.#closed;
    if (usable && known && backend.reusable && current) this.#idle.push(backend);
    else backend.destroy();
  }

  /** Sessions begin with other settings from now on: whoever comes next gets a new one. */
  renew(): void {
    this.#generation++;
    for (const backend of this.#idle.splice(0)) backend.destroy();
  }

  #knows(startup: string): boolean {
    const { user, password } = this.login;
    return password !== '' && startup.includes(`user\0${latin1(user)}\0`);
  }

  /** The waiting backends are outdated; new ones will be made. */
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
  readonly routines: Routines;
}
