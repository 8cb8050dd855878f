/** Finds or starts Postgres and Redis, and cleans up everything it started. */
import { errorMessage } from '../error-message.ts';
import { type Keeper, openKeeper } from './keeper.ts';
import { startPostgres } from './postgres.ts';
import { findPostgres, type PostgresPlaces, usualPostgresPlaces } from './postgres-binaries.ts';
import { checkedPostgres } from './postgres-check.ts';
import { checkedRedis, startRedis } from './redis.ts';
import { findRedis, type RedisPlaces, usualRedisPlaces } from './redis-binaries.ts';
import type { RedisBinary } from './redis-probe.ts';
import { described, type Server, ServerUnusable } from './server.ts';

export { findK6, type K6, K6Missing, k6Pinned, usualK6Places } from './k6.ts';
export {
  type Account,
  type Child,
  type ChildSpec,
  type Exit,
  type Keeper,
  openKeeper,
  StartFailed,
  type StartOptions,
  type StopStage,
} from './keeper.ts';
export { parentGone } from './parent.ts';
export { described, freePort, type Server, ServerUnusable } from './server.ts';

/** The servers of one run. All of them had responded when this was returned. */
export interface Services {
  readonly postgres: Server;
  readonly redis: Server;
  /** Additional independent nodes for Redlock. */
  readonly redisNodes: readonly Server[];
  /** Owns the started servers; also starts service processes. */
  readonly keeper: Keeper;
  /** Duration of a Redis download; 0 if there was none. Not part of any measurement. */
  readonly downloadMs: number;
  /** Stops what was started and removes its folders; takes at most 15 s. Idempotent. */
  close(): Promise<void>;
}

export interface ServicesOptions {
  /** DATABASE_URL: used instead of starting Postgres. */
  readonly databaseUrl?: string;
  /** REDIS_URL */
  readonly redisUrl?: string;
  /** REDIS_NODES */
  readonly redisNodeUrls?: readonly string[];
  /** How many nodes to start if `redisNodeUrls` is empty: 0, 3 or 5. */
  readonly redisNodeCount: number;
  /** fsync, full_page_writes and synchronous_commit of a started Postgres. */
  readonly durable: boolean;
  /** Receives one-line messages about what is used; never a password. */
  readonly report: (line: string) => void;
  /** Aborts the start and stops what was started. */
  readonly signal?: AbortSignal;
  /** Where to look for binaries, instead of the usual places. */
  readonly places?: { readonly postgres?: PostgresPlaces; readonly redis?: RedisPlaces };
}

interface Given {
  readonly postgres: Server | undefined;
  readonly redis: Server | undefined;
  readonly redisNodes: readonly Server[];
}

/** Checks the servers given by URL. Rejects with all their problems at once. */
async function checkGiven(options: ServicesOptions): Promise<Given> {
  const { databaseUrl, redisUrl, redisNodeUrls = [] } = options;
  const faults: string[] = [];
  const checked = (check: Promise<Server>) =>
    check.catch(error => {
      faults.push(errorMessage(error));
      return undefined;
    });
  const [postgres, redis, ...nodes] = await Promise.all([
    databaseUrl === undefined ? undefined : checked(checkedPostgres(databaseUrl)),
    redisUrl === undefined ? undefined : checked(checkedRedis(redisUrl, 'REDIS_URL')),
    ...redisNodeUrls.map(url => checked(checkedRedis(url, 'REDIS_NODES'))),
  ]);
  if (faults.length > 0) throw new ServerUnusable(faults.join('\n'));
  return { postgres, redis, redisNodes: nodes.filter(node => node !== undefined) };
}

async function openPostgres(keeper: Keeper, options: ServicesOptions): Promise<Server> {
  const places = options.places?.postgres ?? (await usualPostgresPlaces());
  return startPostgres(keeper, await findPostgres(keeper, places), options.durable);
}

interface RedisServers {
  readonly redis: Server;
  readonly redisNodes: readonly Server[];
  readonly downloadMs: number;
}

async function openRedis(
  keeper: Keeper,
  given: Given,
  options: ServicesOptions,
): Promise<RedisServers> {
  let binary: Promise<RedisBinary> | undefined;
  const start = async (name: string) => {
    const places = options.places?.redis ?? usualRedisPlaces();
    binary ??= findRedis(keeper, places, options.report);
    return startRedis(keeper, await binary, name);
  };
  const count = given.redisNodes.length > 0 ? 0 : options.redisNodeCount;
  const names = Array.from({ length: count }, (_, index) => `redis node ${index + 1}`);
  const [redis, ...started] = await Promise.all([
    given.redis ?? start('redis'),
    ...names.map(name => start(name)),
  ]);
  const downloadMs = (await binary)?.downloadMs ?? 0;
  return { redis, redisNodes: [...given.redisNodes, ...started], downloadMs };
}

/**
 * Returns running servers: the given ones after a check, otherwise newly started ones. Rejects with
 * a message that says what to do; nothing is left running in that case either.
 */
export async function openServices(options: ServicesOptions): Promise<Services> {
  options.signal?.throwIfAborted();
  const given = await checkGiven(options);
  const keeper = await openKeeper(options.report);
  const abort = () => void keeper.close();
  options.signal?.addEventListener('abort', abort, { once: true });
  const opening = [
    given.postgres ?? openPostgres(keeper, options),
    openRedis(keeper, given, options),
  ] as const;
  try {
    const [postgres, { redis, redisNodes, downloadMs }] = await Promise.all(opening);
    options.signal?.throwIfAborted();
    for (const server of [postgres, redis, ...redisNodes]) options.report(described(server));
    return { postgres, redis, redisNodes, keeper, downloadMs, close: () => keeper.close() };
  } catch (error) {
    await keeper.close();
    await Promise.allSettled(opening); // lets pending starts clean up after themselves
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}
