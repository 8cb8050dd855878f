/** Servers for a race.config.ts: the given ones; the others are started. */
import { errorMessage } from '../../src/error-message.ts';
import type { NamedServers, OpenedServers } from '../../src/explore/command.ts';
import { openServices } from '../../src/services/index.ts';

export interface ServersOptions {
  /** Receives lines on the servers in use. */
  readonly note: (line: string) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

/**
 * Rejects with a message that says what to do. If Postgres is given and Redis fails to start, there is
 * none: most races need none.
 */
export async function openExploreServers(
  named: NamedServers,
  { note, signal }: ServersOptions,
): Promise<OpenedServers> {
  const { pgUrl, redisUrls } = named;
  const [redisUrl] = redisUrls ?? [];
  try {
    const services = await openServices({
      ...(pgUrl !== undefined && { databaseUrl: pgUrl }),
      ...(redisUrl !== undefined && { redisUrl }),
      redisNodeCount: 0,
      durable: false,
      report: note,
      signal,
    });
    const { postgres, redis } = services;
    const close = (): Promise<void> => services.close();
    return { pgUrl: postgres.url, redisUrls: redisUrls ?? [redis.url], close };
  } catch (error) {
    if (pgUrl === undefined || redisUrls !== undefined || signal.aborted) throw error;
    note(`Continuing without Redis, which could not be started: ${errorMessage(error)}`);
    return { pgUrl, redisUrls: [], close: async () => {} };
  }
}
