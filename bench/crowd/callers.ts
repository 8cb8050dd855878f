import { Agent, request } from 'node:http';

/** What came of one request: its status, or undefined where the caller left or was cut off. */
export interface Told {
  readonly status: number | undefined;
  /** From before the connection was opened. */
  readonly tookMs: number;
  /** How much of it the service says that it worked on the command: `command-worked-us`. */
  readonly workedMs: number | undefined;
  /** How much of it had passed before. */
  readonly beforeMs: number | undefined;
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
  const startUs = Number(process.hrtime.bigint() / 1_000n);
  const bytes = JSON.stringify(body);
  return new Promise(resolve => {
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(bytes)),
      'lock-strategy': strategy,
    };
    const end = (status: number | undefined, worked?: string | readonly string[]): void => {
      clearTimeout(leaving);
      const [fromUs, untilUs] = String(worked ?? '')
        .split('-')
        .map(Number);
      const known = fromUs !== undefined && untilUs !== undefined;
      resolve({
        status,
        tookMs: performance.now() - startMs,
        workedMs: known ? (untilUs - fromUs) / 1_000 : undefined,
        beforeMs: known ? (fromUs - startUs) / 1_000 : undefined,
      });
    };
    const options = { method: 'POST', headers, agent: agent ?? false, signal };
    const sent = request(url, options, response => {
      response.on('error', () => end(undefined));
      const worked = response.headers['command-worked-us'];
      response.on('end', () => end(response.statusCode, worked)).resume();
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
