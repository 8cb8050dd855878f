/** A service elsewhere: it is sent commands, asked for its metrics and its audit, and never started. */
import type { Target } from '../lab/target.ts';

/** The service cannot be measured; `why` decides the exit code. */
export class TargetUnusable extends Error {
  override readonly name = 'TargetUnusable';
  readonly why: 'unreachable' | 'other strategy';

  constructor(why: TargetUnusable['why'], message: string) {
    super(message);
    this.why = why;
  }
}

const answerMs = 5_000;

/** Asks it once. Throws `TargetUnusable`. */
export async function remoteTarget(
  baseUrl: string,
  adminToken: string | undefined,
): Promise<Target> {
  const url = baseUrl.replace(/\/+$/, '');
  await indexOf(url);
  return { url, processUrls: [url], adminToken, inside: undefined, close: async () => {} };
}

/** Whether the service at the address runs, or lets requests choose, each of the strategies. */
export async function checkStrategies(baseUrl: string, wanted: ReadonlySet<string>): Promise<void> {
  const told = await indexOf(baseUrl.replace(/\/+$/, ''));
  const offered = [told.strategy, ...(Array.isArray(told.strategies) ? told.strategies : [])];
  const missing = [...wanted].filter(name => !offered.includes(name));
  if (missing.length > 0)
    throw new TargetUnusable(
      'other strategy',
      `${baseUrl} runs '${told.strategy}' and not ${missing.join(', ')}; start it with ` +
        'ALLOW_STRATEGY_HEADER=1, or ask for the strategy that it runs (--strategy)',
    );
}

/** The strategy of requests that choose none. */
export async function servedBy(baseUrl: string): Promise<string> {
  return String((await indexOf(baseUrl.replace(/\/+$/, ''))).strategy);
}

async function indexOf(url: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const response = await fetch(`${url}/`, { signal: AbortSignal.timeout(answerMs) });
    const body: unknown = await response.json();
    if (typeof body === 'object' && body !== null && 'strategy' in body) return { ...body };
    throw new Error(`it answered with ${response.status} and names no strategy`);
  } catch (error) {
    const why = error instanceof Error ? (error.cause ?? error) : error;
    throw new TargetUnusable(
      'unreachable',
      `${url} does not answer as a Lockstep service: ${why instanceof Error ? why.message : why}`,
    );
  }
}
