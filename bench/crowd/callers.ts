import { Agent, request } from 'node:http';

/** What came of one request: its status, or undefined where the caller left or was cut off. */
export interface Told {
  readonly status: number | undefined;
  /** From before the connection was opened. */
  readonly tookMs: number;
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
