/** A TCP proxy in front of one server, through which a fault can hold, silence and cut. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { errorMessage } from '../../../src/error-message.ts';
import type { StruckWire } from '../stage.ts';

/** What happens to the bytes of one connection. */
export interface Passage {
  fromClient(chunk: Buffer): void;
  fromServer(chunk: Buffer): void;
  /** The server has closed: what was collected goes to the client now. */
  serverEnded(): void;
}

/** The two ends of a connection. */
export interface Ends {
  /** `postgres 3` */
  readonly name: string;
  readonly client: Socket;
  readonly server: Socket;
}

export interface TapOptions {
  readonly name: string;
  /** Of the server behind it. */
  readonly url: string;
  readonly passage: (ends: Ends) => Passage;
  /** Told when a connection speaks what nobody here understands; it is cut. */
  readonly report: (line: string) => void;
}

/** Listens on a free port of 127.0.0.1. Owned by the run; closed by `close`. */
export class Tap implements StruckWire {
  /** The server's URL with the address of this tap. */
  readonly url: string;
  readonly #server: Server;
  readonly #options: TapOptions;
  #target: string;
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Map<string, Socket>();
  #connections = 0;
  #silent = false;

  private constructor(server: Server, port: number, options: TapOptions) {
    this.#server = server;
    this.#options = options;
    this.#target = options.url;
    const url = new URL(options.url);
    url.hostname = '127.0.0.1';
    url.port = String(port);
    this.url = url.href;
  }

  static async open(options: TapOptions): Promise<Tap> {
    const server = createServer({ noDelay: true });
    const port = await listening(server);
    const tap = new Tap(server, port, options);
    server.on('connection', client => tap.#join(client));
    return tap;
  }

  goSilent(): void {
    this.#silent = true;
  }

  speakAgain(): void {
    this.#silent = false;
    this.cut();
  }

  /** New connections lead to this server. */
  lead(url: string): void {
    this.#target = url;
  }

  /** Resets every connection that is open. */
  cut(): void {
    for (const socket of [...this.#sockets]) socket.resetAndDestroy();
  }

  /** Resets one connection, by its name. */
  reset(name: string): void {
    this.#clients.get(name)?.resetAndDestroy(); // its other end is closed
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const { hostname, port } = new URL(this.#target);
    const server = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#connections += 1;
    const name = `${this.#options.name} ${this.#connections}`;
    const passage = this.#options.passage({ name, client, server });
    let reached = false;
    server.once('connect', () => {
      reached = true;
    });
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => {}); // 'close' follows
      socket.on('close', () => this.#sockets.delete(socket));
    }
    const guarded = (take: (chunk: Buffer) => void) => (chunk: Buffer) => {
      if (this.#silent) return;
      try {
        take(chunk);
      } catch (error) {
        this.#options.report(`${name}: ${errorMessage(error)}`);
        client.destroy();
        server.destroy();
      }
    };
    client.on(
      'data',
      guarded(chunk => passage.fromClient(chunk)),
    );
    server.on(
      'data',
      guarded(chunk => passage.fromServer(chunk)),
    );
    this.#clients.set(name, client);
    client.on('close', () => {
      this.#clients.delete(name);
      if (!this.#silent) server.destroy();
    });
    server.on('close', () => {
      if (this.#silent) return; // nobody is told
      passage.serverEnded();
      if (reached) client.end();
      else client.resetAndDestroy(); // nobody listens there
    });
  }
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}
