import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Tells when everything that the last delivery set off inside this process has come to rest.
 * A byte sent to ourselves arrives after whatever was sent on loopback before it; when several
 * such hops pass without anything moving at a gate, nobody has anything left to do.
 */
export class Sentinel {
  readonly #server: Server;
  readonly #near: Socket;
  #arrived: (() => void) | undefined;

  private constructor(server: Server, near: Socket, far: Socket) {
    this.#server = server;
    this.#near = near;
    far.on('data', () => this.#arrived?.());
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
  }

  static async open(): Promise<Sentinel> {
    const server = createServer({ noDelay: true });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no sentinel port');
    const accepted = new Promise<Socket>(resolve => server.once('connection', resolve));
    const near = connect({ host: '127.0.0.1', port: address.port, noDelay: true });
    return new Sentinel(server, near, await accepted);
  }

  async hop(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#arrived = resolve;
      this.#near.write('.');
    });
    await new Promise<void>(resolve => setImmediate(resolve));
  }

  /** Two turns of the event loop: as many as a hop has, at a third of its price or less, and no proof. */
  async turn(): Promise<void> {
    await new Promise<void>(resolve => setImmediate(() => setImmediate(resolve)));
  }

  close(): void {
    this.#near.destroy();
    this.#server.close();
  }
}

/** Counts what moves at the gates, and lets one waiter sleep until the next movement. */
export class Activity {
  count = 0;
  #wake: (() => void) | undefined;

  moved(): void {
    this.count++;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Resolves at the next movement, or after `ms` of real time. */
  next(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
