import pino, { type DestinationStream, type Logger } from 'pino';
import type { Config } from '../config.ts';

/** Structured logs, one JSON object a line, in which no secret of the configuration can stand. */
export function createLog(
  config: Config,
  to: DestinationStream = pino.destination({ fd: 1, sync: true }),
): Logger {
  const secrets = secretsOf(config);
  const options = {
    level: config.logLevel,
    base: { pid: process.pid },
    redact: ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization'],
    hooks: {
      streamWrite: (line: string) =>
        secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), line),
    },
  };
  return pino(options, to);
}

/** Passwords as they are written and as they are meant, and the admin token. */
function secretsOf({ databaseUrl, redisUrl, redisNodeUrls, adminToken }: Config): string[] {
  const urls = [databaseUrl, redisUrl, ...redisNodeUrls].flatMap(url =>
    url ? [new URL(url)] : [],
  );
  const passwords = urls.flatMap(({ password }) => [password, decodeURIComponent(password)]);
  // a very short password would take the log apart, and is no secret
  return [...passwords, adminToken ?? ''].filter(secret => secret.length >= 4);
}

const quietMs = 10_000;

/**
 * Warns about a store that is away once, and then at most every 10 s with the number of errors
 * since.
 */
export function outageLog(log: Logger): (store: string, error: Error) => void {
  const known = new Map<string, { lastMs: number; since: number }>();
  return (store, error) => {
    const nowMs = performance.now();
    const seen = known.get(store) ?? { lastMs: Number.NEGATIVE_INFINITY, since: 0 };
    known.set(store, seen);
    seen.since += 1;
    if (nowMs - seen.lastMs < quietMs) return;
    log.warn({ store, errors: seen.since, why: reasonOf(error) }, `${store} does not answer`);
    seen.lastMs = nowMs;
    seen.since = 0;
  };
}

/**
 * The message of whatever was thrown. AggregateErrors (of several addresses) have none of their
 * own.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
