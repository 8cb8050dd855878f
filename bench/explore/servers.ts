/** Servers for a race.config.ts: those that are named, else ones that are started here. */
import { errorMessage } from '../../src/error-message.ts';
import type { NamedServers, OpenedServers } from '../../src/explore/command.ts';
import { openServices } from '../../src/services/index.ts';

export interface Told {
  /** Told, in single lines for people, what was taken. */
  readonly note: (line: string) => void;
  /** Aborting gives up the start. */
  readonly signal: AbortSignal;
}

/**
 * Rejects with a message that says what to do. A Redis that cannot be started beside a Postgres
 * that is named is done without: most races have none.
 */
export async function openExploreServers(
  named: NamedServers,
  { note, signal }: Told,
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
    note(`No Redis could be started, so there is none: ${errorMessage(error)}`);
    return { pgUrl, redisUrls: [], close: async () => {} };
  }
}
