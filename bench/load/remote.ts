/** A remote service: receives commands and provides metrics and its audit, but is not started here. */
import { UsageError } from '../lab/command-line.ts';
import type { Environment } from '../lab/service.ts';
import { type Target, usualLeaseMs } from '../lab/target.ts';

/** The service cannot be measured; `why` determines the exit code. */
export class TargetUnusable extends Error {
  override readonly name = 'TargetUnusable';
  readonly why: 'unreachable' | 'other strategy';

  constructor(why: TargetUnusable['why'], message: string) {
    super(message);
    this.why = why;
  }
}

const answerMs = 5_000;

/**
 * Checks that the service answers. Throws `TargetUnusable`. It does not tell its lease: `LEASE_MS` has to
 * be set to the same as there.
 */
export async function remoteTarget(
  baseUrl: string,
  { ADMIN_TOKEN, LEASE_MS }: Environment,
): Promise<Target> {
  const url = baseUrl.replace(/\/+$/, '');
  await indexOf(url);
  return {
    url,
    processUrls: [url],
    adminToken: ADMIN_TOKEN,
    leaseMs: leaseIn(LEASE_MS),
    inside: undefined,
    close: async () => {},
  };
}

/** Throws `UsageError` for what is no time. */
function leaseIn(text: string | undefined): number {
  const ms = text ? Number(text) : usualLeaseMs;
  if (ms > 0) return ms;
  throw new UsageError(`LEASE_MS is '${text}'; write the milliseconds that the service has`);
}

/** Throws `TargetUnusable` unless the service runs each strategy or lets requests choose it. */
export async function checkStrategies(baseUrl: string, wanted: ReadonlySet<string>): Promise<void> {
  const told = await indexOf(baseUrl.replace(/\/+$/, ''));
  const offered = [told.strategy, ...(Array.isArray(told.strategies) ? told.strategies : [])];
  const missing = [...wanted].filter(name => !offered.includes(name));
  if (missing.length > 0)
    throw new TargetUnusable(
      'other strategy',
      `${baseUrl} runs '${told.strategy}', not ${missing.join(', ')}; start it with ` +
        `ALLOW_STRATEGY_HEADER=1, or use --strategy ${told.strategy}`,
    );
}

/** The strategy for requests that do not choose one. */
export async function servedBy(baseUrl: string): Promise<string> {
  return String((await indexOf(baseUrl.replace(/\/+$/, ''))).strategy);
}

async function indexOf(url: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const response = await fetch(`${url}/`, { signal: AbortSignal.timeout(answerMs) });
    const body: unknown = await response.json();
    if (typeof body === 'object' && body !== null && 'strategy' in body) return { ...body };
    throw new Error(`it answered ${response.status} without naming a strategy`);
  } catch (error) {
    const why = error instanceof Error ? (error.cause ?? error) : error;
    throw new TargetUnusable(
      'unreachable',
      `${url} does not answer as a Lockstep service: ${why instanceof Error ? why.message : why}`,
    );
  }
}
