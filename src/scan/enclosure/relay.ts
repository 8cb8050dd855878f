import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Address } from '../record/postgres-tap.ts';
import { refusal, refusedStartup, startupOf } from './startup.ts';

/** Where the enclosure may connect to; it says which by its place in the list. */
export interface RelayTarget extends Address {
  /** Sessions with Postgres are let through to databases of ours only. */
  readonly postgres: boolean;
}

const socketName = 'relay.sock';
const headerBytesMax = 16;

/** The only way out of the enclosure: a socket in a folder that both sides see. */
export async function openRelay(
  folder: string,
  targets: readonly RelayTarget[],
  refused: (why: string) => void,
): Promise<() => Promise<void>> {
  const open = new Set<Socket>();
  const server = createServer(inside => {
    open.add(inside);
    inside.on('close', () => open.delete(inside));
    inside.on('error', () => inside.destroy());
    void admit(inside, targets, refused).catch(() => inside.destroy());
  });
  const path = join(folder, socketName);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return async () => {
    for (const one of open) one.destroy();
    await new Promise(resolve => server.close(resolve));
    rmSync(path, { force: true });
  };
}

async function admit(
  inside: Socket,
  targets: readonly RelayTarget[],
  refused: (why: string) => void,
): Promise<void> {
  const reader = new Reader(inside);
  const head = await reader.until(bytes => {
    const end = bytes.indexOf('\n');
    if (end < 0 && bytes.length > headerBytesMax) throw new Error('no header');
    return end < 0 ? undefined : end + 1;
  });
  const target = targets[Number(head.toString('latin1').trim())];
  if (target === undefined) throw new Error('no such target');
  const first = target.postgres ? await startupFrom(reader, inside, refused) : Buffer.alloc(0);
  if (first === undefined) return;
  const outside = connect({ host: target.host, port: target.port, noDelay: true });
  outside.on('error', () => outside.destroy());
  outside.on('close', () => inside.destroy());
  inside.on('close', () => outside.destroy());
  outside.write(Buffer.concat([first, reader.rest()]));
  inside.pipe(outside).pipe(inside);
}

/** The packet to pass on; undefined where the session was refused. */
async function startupFrom(
  reader: Reader,
  inside: Socket,
  refused: (why: string) => void,
): Promise<Buffer | undefined> {
  for (;;) {
    const bytes = await reader.until(seen => startupOf(seen)?.length);
    const startup = startupOf(bytes);
    if (startup === undefined) throw new Error('no start-up packet');
    if (startup.kind === 'encryption') {
      inside.write('N');
      continue;
    }
    const why = refusedStartup(startup);
    if (why === undefined) return bytes;
    refused(why);
    inside.end(refusal(why));
    return undefined;
  }
}

/** Takes whole pieces from the beginning of a stream. */
class Reader {
  readonly #socket: Socket;
  #pending: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #ended = false;
  readonly #take = (chunk: Buffer): void => {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    this.#wake?.();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#take);
    socket.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** `length` says how long the next piece is, once that can be told. */
  async until(length: (bytes: Buffer) => number | undefined): Promise<Buffer> {
    for (;;) {
      const bytes = length(this.#pending);
      if (bytes !== undefined && this.#pending.length >= bytes) {
        const piece = this.#pending.subarray(0, bytes);
        this.#pending = this.#pending.subarray(bytes);
        return piece;
      }
      if (this.#ended) throw new Error('the connection ended');
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /** What came behind; from here on the stream is read by somebody else. */
  rest(): Buffer {
    this.#socket.off('data', this.#take);
    return this.#pending;
  }
}

/** Inside: a port on an address of the loopback device that leads to a target. */
export async function openDoor(
  folder: string,
  target: number,
  at: { readonly host: string; readonly port: number },
): Promise<Server & { readonly port: number }> {
  const server = createServer({ noDelay: true }, client => {
    const relay = connect(join(folder, socketName));
    for (const [one, other] of [
      [client, relay],
      [relay, client],
    ] as const) {
      one.on('error', () => one.destroy());
      one.on('close', () => other.destroy());
    }
    relay.write(`${target}\n`);
    client.pipe(relay).pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a door has no port');
  return Object.assign(server, { port: address.port });
}
