import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { BareLane } from './bare-lane.ts';
import { capped } from './canonical.ts';
import { type Gate, type GateHost, type Lane, type Step, shapeOf } from './lane.ts';

const bodyBytesMax = 16 * 1024 * 1024;

/**
 * Opens the port through which one actor calls another service over HTTP/1.1. Each call is one
 * step: held until it is granted, and its whole response held until it is delivered.
 */
export async function openHttpGate(
  actor: string,
  store: string,
  upstream: URL,
  host: GateHost,
): Promise<Gate> {
  const server = createServer({ keepAlive: false }, (incoming, outgoing) => {
    if (!gate.admits) {
      incoming.destroy();
      return;
    }
    host.opened(new HttpLane(actor, store, upstream, host, incoming, outgoing));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a gate has no port');
  const gate: Gate = {
    port: address.port,
    admits: true,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return gate;
}

interface Response {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** One call; its connection is closed after it. */
export class HttpLane extends BareLane implements Lane {
  readonly store: string;
  readonly actor: string;
  result = '';
  reply = '';
  granted = 0;
  closed = false;
  inFlight: Step | undefined;
  #body: Buffer | undefined;
  #response: Response | undefined;
  #sent = false;
  readonly #upstream: URL;
  readonly #host: GateHost;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;

  constructor(
    actor: string,
    store: string,
    upstream: URL,
    host: GateHost,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ) {
    super();
    this.actor = actor;
    this.store = store;
    this.#upstream = upstream;
    this.#host = host;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    outgoing.on('close', () => this.#left());
    void this.#read();
    host.activity();
  }

  get held(): Step | undefined {
    const waits = this.#body !== undefined && this.inFlight === undefined && !this.closed;
    if (!waits || this.granted > 0) return undefined;
    const label = `${this.#incoming.method} ${this.#incoming.url}`;
    return { store: this.store, label, shape: shapeOf(label), role: 'request' };
  }

  get answered(): boolean {
    return this.#response !== undefined;
  }

  /** The request is still on its way in. */
  get busy(): boolean {
    return !this.closed && this.#body === undefined;
  }

  grant(): void {
    const step = this.held;
    if (step === undefined) throw new Error('nothing to grant');
    this.inFlight = step;
    this.granted++;
    const { method, url, rawHeaders } = this.#incoming;
    // '//pay' is a path here, and would be a host to `new URL`
    const target = new URL(`${this.#upstream.origin}${url ?? '/'}`);
    const headers = { ...pairs(rawHeaders), host: this.#upstream.host, connection: 'close' };
    const call = request(target, { method: method ?? 'GET', headers, agent: false }, response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', error => this.#failed(error));
      response.on('end', () => {
        this.#answer({
          status: response.statusCode ?? 502,
          headers: response.rawHeaders,
          body: Buffer.concat(chunks),
        });
      });
    });
    call.on('error', error => this.#failed(error));
    call.end(this.#body);
  }

  override sent(): void {
    this.#sent = true;
  }

  deliver(lost?: 'lost'): void {
    const response = this.#response;
    if (response === undefined) throw new Error('nothing to deliver');
    this.inFlight = undefined;
    if (lost === 'lost' || this.#outgoing.destroyed) {
      this.destroy();
      return;
    }
    // The body goes out whole: its framing headers are set anew.
    const headers = { ...pairs(response.headers), 'content-length': response.body.length };
    Reflect.deleteProperty(headers, 'transfer-encoding');
    this.#outgoing.writeHead(response.status, { ...headers, connection: 'close' });
    this.#outgoing.end(response.body);
    this.closed = true;
  }

  cut(): void {
    this.#outgoing.destroy();
    if (this.inFlight === undefined || this.answered) this.closed = true;
  }

  destroy(): void {
    this.#outgoing.destroy();
    this.inFlight = undefined;
    this.closed = true;
  }

  async #read(): Promise<void> {
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of this.#incoming) {
        length += chunk.length;
        if (length > bodyBytesMax) throw new Error('an HTTP request is larger than a gate holds');
        chunks.push(chunk);
      }
      this.#body = Buffer.concat(chunks);
    } catch (error) {
      // A client that went away is no fault of the gate.
      if (!this.#incoming.destroyed) this.#host.failed(new Error(String(error)));
      this.destroy();
    }
    this.#host.activity();
  }

  #failed(error: Error): void {
    this.#answer({ status: 502, headers: [], body: Buffer.from(error.message) });
  }

  #answer(response: Response): void {
    this.#response = response;
    this.reply = capped(`${response.status} ${response.body.toString()}`);
    this.result = `${response.status} ${response.body.toString().slice(0, 60)}`.trim();
    this.#host.activity();
    if (this.#outgoing.destroyed) this.destroy();
  }

  #left(): void {
    this.#host.activity();
    if (this.inFlight === undefined && !this.#sent) this.closed = true;
  }
}

function pairs(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < raw.length; at += 2) {
    headers[(raw[at] ?? '').toLowerCase()] = raw[at + 1] ?? '';
  }
  return headers;
}
