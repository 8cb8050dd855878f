import { Agent, request } from 'node:http';
import { connect } from 'node:net';

/** What came of one request: its status, or undefined where the caller left or was cut off. */
export interface Told {
  readonly status: number | undefined;
  /** From before the connection was opened. */
  readonly tookMs: number;
  /** How much of it the service says that it worked on the command: `command-worked-us`. */
  readonly workedMs?: number | undefined;
  /** How much of it had passed before. */
  readonly beforeMs?: number | undefined;
}

export interface Call {
  readonly url: string;
  readonly body: object;
  readonly strategy: string;
  /** When the caller leaves; undefined: it waits for the answer. */
  readonly limitMs?: number;
  readonly agent?: Agent;
  readonly signal: AbortSignal;
}

/** One POST. Never rejects. */
export function call({ url, body, strategy, limitMs, agent, signal }: Call): Promise<Told> {
  const startMs = performance.now();
  const bytes = JSON.stringify(body);
  return new Promise(resolve => {
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(bytes)),
      'lock-strategy': strategy,
    };
    const end = (status: number | undefined): void => {
      clearTimeout(leaving);
      resolve({ status, tookMs: performance.now() - startMs });
    };
    const options = { method: 'POST', headers, agent: agent ?? false, signal };
    const sent = request(url, options, response => {
      response.on('error', () => end(undefined));
      response.on('end', () => end(response.statusCode)).resume();
    });
    const leaving = limitMs === undefined ? undefined : setTimeout(() => sent.destroy(), limitMs);
    sent.on('error', () => end(undefined));
    sent.on('close', () => end(undefined)); // after 'end' it says nothing new
    sent.end(bytes);
  });
}

/** Callers in a closed loop, each on a connection of its own, until `untilMs`. */
export async function crowd(count: number, untilMs: number, one: Omit<Call, 'agent'>) {
  const told: Told[] = [];
  const caller = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (performance.now() < untilMs && !one.signal.aborted)
      told.push(await call({ ...one, agent }));
    agent.destroy();
  };
  await Promise.all(Array.from({ length: count }, caller));
  return told;
}

/** One POST on a socket of its own: a client of Node's costs more than the service that is measured. */
export function rawCall({ url, body, strategy }: Pick<Call, 'url' | 'body' | 'strategy'>) {
  const { hostname, port, pathname } = new URL(url);
  const bytes = JSON.stringify(body);
  const text =
    `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n` +
    `content-type: application/json\r\nlock-strategy: ${strategy}\r\n` +
    `content-length: ${bytes.length}\r\n\r\n${bytes}`;
  const startMs = performance.now();
  const startUs = Number(process.hrtime.bigint() / 1_000n);
  return new Promise<Told>(resolve => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let seen = '';
    socket.setEncoding('latin1');
    socket.on('connect', () => socket.write(text));
    socket.on('data', (chunk: string) => {
      seen += chunk;
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      const [, status] = /^HTTP\/1\.1 (\d+)/.exec(seen) ?? [];
      const [, from, until] = /command-worked-us: (\d+)-(\d+)/i.exec(seen) ?? [];
      resolve({
        status: status === undefined ? undefined : Number(status),
        tookMs: performance.now() - startMs,
        workedMs: from && until ? (Number(until) - Number(from)) / 1_000 : undefined,
        beforeMs: from ? (Number(from) - startUs) / 1_000 : undefined,
      });
    });
  });
}
