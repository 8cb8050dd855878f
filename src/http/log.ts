import pino, { type DestinationStream, type Logger } from 'pino';
import type { Config } from '../config.ts';
import { errorMessage } from '../error-message.ts';
import { secretsIn } from '../store-url.ts';

/** Structured logs, one JSON object per line, with the secrets of the configuration redacted. */
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

/** Passwords, both percent-encoded and decoded, and the admin token. */
function secretsOf({ databaseUrl, redisUrl, redisNodeUrls, adminToken }: Config): string[] {
  const urls = [databaseUrl, redisUrl, ...redisNodeUrls];
  const passwords = urls.flatMap(url => (url === undefined ? [] : secretsIn(url)));
  // redacting a very short password would mangle the log, and it is hardly a secret
  return [...passwords, adminToken ?? ''].filter(secret => secret.length >= 4);
}

const quietMs = 10_000;

/** `what` is wrong with a store, as a short sentence; by default that it is not responding. */
export type OutageLog = (store: string, error: unknown, what?: string) => void;

/**
 * Warns once when something is wrong with a store, then at most every 10 s with the number of errors
 * since.
 */
export function outageLog(log: Logger): OutageLog {
  const known = new Map<string, { lastMs: number; since: number }>();
  return (store, error, what = `${store} is not responding`) => {
    const nowMs = performance.now();
    const seen = known.get(what) ?? { lastMs: Number.NEGATIVE_INFINITY, since: 0 };
    known.set(what, seen);
    seen.since += 1;
    if (nowMs - seen.lastMs < quietMs) return;
    log.warn({ store, errors: seen.since, why: errorMessage(error) }, what);
    seen.lastMs = nowMs;
    seen.since = 0;
  };
}
