import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type pg from 'pg';
import { AdmissionQueue } from './queue.ts';

/** Cancelling what a backend runs: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS */

const cancelMaxMs = 500;
/** Each costs the server a process for a moment. */
const atOnceMax = 4;
const cancelCode = 80_877_102;
const sslCode = 80_877_103;

const atOnce = new AdmissionQueue(atOnceMax, 1_000);

/** The connection whose statement is to be cancelled. */
export interface Cancelled {
  readonly client: pg.ClientBase;
  /** Its socket, for the address: a name may stand for several servers. */
  readonly socket: Socket;
}

/**
 * Asks the server to cancel what runs on a connection, over a connection of its own, within 500 ms.
 * True: whatever it did is done, since Postgres closes that connection after it has sent the signal, or
 * nothing was sent. False: the cancel may still come, so the cancelled connection must not be used any
 * more. Never rejects.
 */
export async function cancelStatement(target: Cancelled): Promise<boolean> {
  const request = requestFor(target.client);
  if (!request) return true; // it never was connected
  const endMs = performance.now() + cancelMaxMs;
  if ((await atOnce.enter(cancelMaxMs)) !== 'granted') return true;
  try {
    return await sent(target, request, endMs - performance.now());
  } finally {
    atOnce.leave();
  }
}

function sent({ client, socket }: Cancelled, request: Buffer, limitMs: number): Promise<boolean> {
  return new Promise(resolve => {
    const to = connect(addressOf(client, socket));
    let written = false;
    let ended = false;
    const timer = setTimeout(() => to.destroy(), limitMs);
    const watch = (stream: Socket): void => {
      stream.on('end', () => {
        ended = true;
      });
      stream.on('error', () => to.destroy());
      stream.once('close', () => {
        clearTimeout(timer);
        resolve(ended || !written);
      });
    };
    const write = (stream: Socket): void => {
      written = true;
      stream.end(request);
      stream.resume(); // without a reader the end is never seen
    };
    watch(to);
    to.once('connect', () => {
      if (isEncrypted(client)) negotiate(to, client, { watch, write });
      else write(to);
    });
  });
}

interface Sending {
  readonly watch: (stream: Socket) => void;
  readonly write: (stream: Socket) => void;
}

/** TLS, as the connection has it: whoever reads the key could cancel in our name. */
function negotiate(to: Socket, client: pg.ClientBase, { watch, write }: Sending): void {
  to.once('data', answer => {
    if (answer.toString('latin1') !== 'S') {
      to.destroy();
      return;
    }
    const settings: unknown = Reflect.get(client, 'ssl');
    const host = hostOf(client);
    const secured = connectTls(
      {
        ...(typeof settings === 'object' ? settings : {}),
        ...{ socket: to, host },
        ...(isIP(host) === 0 && { servername: host }), // no name may be sent for an address
      },
      () => write(secured),
    );
    watch(secured);
  });
  to.write(header(8, sslCode));
}

function hostOf(client: pg.ClientBase): string {
  return String(Reflect.get(client, 'host'));
}

function isEncrypted(client: pg.ClientBase): boolean {
  return Boolean(Reflect.get(client, 'ssl'));
}

/** As `pg` connects: a host that is a path names the folder of a socket. */
function addressOf(
  client: pg.ClientBase,
  socket: Socket,
): { readonly path: string } | { readonly host: string; readonly port: number } {
  const host = hostOf(client);
  const port = Number(Reflect.get(client, 'port'));
  if (host.startsWith('/')) return { path: `${host}/.s.PGSQL.${port}` };
  return { host: socket.remoteAddress ?? host, port: socket.remotePort ?? port };
}

function requestFor(client: pg.ClientBase): Buffer | undefined {
  const processId: unknown = Reflect.get(client, 'processID');
  const key: unknown = Reflect.get(client, 'secretKey');
  if (typeof processId !== 'number' || typeof key !== 'number') return undefined;
  const ids = Buffer.alloc(8);
  ids.writeInt32BE(processId, 0);
  ids.writeInt32BE(key, 4);
  return Buffer.concat([header(16, cancelCode), ids]);
}

function header(bytes: number, code: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(bytes, 0);
  head.writeInt32BE(code, 4);
  return head;
}
