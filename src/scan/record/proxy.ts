import {
  Agent,
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import { bodyBytesMax, bodyOf } from './recording.ts';
import type { Tape } from './tape.ts';

/** The port that callers use in place of the service's. */
export interface RecordingProxy {
  readonly port: number;
  close(): Promise<void>;
}

/** Passes each request on to the service, and notes it with its answer. */
export async function openRecordingProxy(
  tape: Tape,
  servicePort: () => number,
  port = 0,
): Promise<RecordingProxy> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
  const server = createServer((incoming, outgoing) => {
    pass(tape, { agent, port: servicePort() }, incoming, outgoing);
  });
  server.on('upgrade', (incoming: IncomingMessage, client: Socket, head: Buffer) => {
    tape.limit(`an upgraded connection (${incoming.url ?? ''}) was passed on, and not recorded`);
    upgrade(incoming, client, head, servicePort());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}

interface Service {
  readonly agent: Agent;
  readonly port: number;
}

function pass(
  tape: Tape,
  { agent, port }: Service,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const { method = 'GET', url = '/', rawHeaders } = incoming;
  const id = tape.begin({ method, path: url, headers: pairsOf(rawHeaders) });
  const sent = new Kept();
  const told = new Kept();
  const giveUp = (): void => tape.end(id, sent.bytes, null, sent.cut);
  // answers are compared as text
  const headers = { ...headersOf(rawHeaders), 'accept-encoding': 'identity' };
  const call = request({ host: '127.0.0.1', port, method, path: url, headers, agent }, response => {
    const { statusCode: status = 502, statusMessage, rawHeaders: named } = response;
    outgoing.writeHead(status, statusMessage, headersOf(named));
    response.on('data', (chunk: Buffer) => told.add(chunk));
    response.on('end', () => {
      const answer = { status, headers: pairsOf(named), body: bodyOf(told.bytes, told.cut) };
      tape.end(id, sent.bytes, answer, sent.cut);
    });
    response.on('error', giveUp);
    response.pipe(outgoing);
  });
  call.on('error', error => {
    giveUp();
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502).end(`the service hung up: ${error.message}\n`);
  });
  incoming.on('data', (chunk: Buffer) => sent.add(chunk));
  incoming.pipe(call);
  outgoing.on('close', () => {
    if (outgoing.writableFinished) return;
    giveUp();
    call.destroy();
  });
}

/** The beginning of a body. */
class Kept {
  readonly #chunks: Buffer[] = [];
  #length = 0;
  cut = false;

  add(chunk: Buffer): void {
    if (this.#length + chunk.length > bodyBytesMax) this.cut = true;
    if (this.#length >= bodyBytesMax) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks).subarray(0, bodyBytesMax);
  }
}

function upgrade(incoming: IncomingMessage, client: Socket, head: Buffer, port: number): void {
  const server = connect({ host: '127.0.0.1', port });
  const lines = pairsOf(incoming.rawHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  server.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
  server.write(head);
  server.pipe(client).pipe(server);
  for (const [one, other] of [
    [server, client],
    [client, server],
  ] as const) {
    one.on('error', () => one.destroy());
    one.on('close', () => other.destroy());
  }
}

const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection']);

function pairsOf(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([raw[at] ?? '', raw[at + 1] ?? '']);
  return pairs;
}

function headersOf(raw: readonly string[]): OutgoingHttpHeaders {
  const headers: Record<string, string[]> = {};
  for (const [name, value] of pairsOf(raw)) {
    const key = name.toLowerCase();
    if (!hopByHop.has(key)) headers[key] = [...(headers[key] ?? []), value];
  }
  return Object.fromEntries(
    Object.entries(headers).map(([key, values]) => [key, values.length === 1 ? values[0] : values]),
  );
}
