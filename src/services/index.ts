/** Finds or starts Postgres and Redis, and leaves nothing behind. */
import { type Keeper, openKeeper } from './keeper.ts';
import { startPostgres } from './postgres.ts';
import { findPostgres, type PostgresPlaces, usualPostgresPlaces } from './postgres-binaries.ts';
import { checkedPostgres } from './postgres-check.ts';
import { checkedRedis, startRedis } from './redis.ts';
import { findRedis, type RedisPlaces, usualRedisPlaces } from './redis-binaries.ts';
import type { RedisBinary } from './redis-probe.ts';
import { described, type Server } from './server.ts';

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
export { described, freePort, type Server, ServerUnusable } from './server.ts';

/** The servers of one run. All of them answered when this was handed out. */
export interface Services {
  readonly postgres: Server;
  readonly redis: Server;
  /** Further, independent ones for Redlock. */
  readonly redisNodes: readonly Server[];
  /** Owner of the started servers; the place to start service processes by. */
  readonly keeper: Keeper;
  /** How long a first download of Redis took; 0 where there was none. Not part of any measure. */
  readonly downloadMs: number;
  /** Ends what was started and removes its folders; at most 15 s. Idempotent. */
  close(): Promise<void>;
}

export interface ServicesOptions {
  /** DATABASE_URL: taken instead of starting a Postgres. */
  readonly databaseUrl?: string;
  /** REDIS_URL */
  readonly redisUrl?: string;
  /** REDIS_NODES */
  readonly redisNodeUrls?: readonly string[];
  /** How many further nodes are started where `redisNodeUrls` names none: 0, 3 or 5. */
  readonly redisNodeCount: number;
  /** fsync, full_page_writes and synchronous_commit of a Postgres that is started. */
  readonly durable: boolean;
  /** Told, in single lines for people, what was taken; never a password. */
  readonly report: (line: string) => void;
  /** Aborting gives up a start and ends what it has begun. */
  readonly signal?: AbortSignal;
  /** Where binaries are looked for, if not in the usual places. */
  readonly places?: { readonly postgres?: PostgresPlaces; readonly redis?: RedisPlaces };
}

async function openPostgres(keeper: Keeper, options: ServicesOptions): Promise<Server> {
  if (options.databaseUrl !== undefined) return checkedPostgres(options.databaseUrl);
  const places = options.places?.postgres ?? (await usualPostgresPlaces());
  return startPostgres(keeper, await findPostgres(keeper, places), options.durable);
}

interface RedisServers {
  readonly redis: Server;
  readonly redisNodes: readonly Server[];
  readonly downloadMs: number;
}

async function openRedis(keeper: Keeper, options: ServicesOptions): Promise<RedisServers> {
  const { redisUrl, redisNodeUrls = [], redisNodeCount, report } = options;
  let binary: Promise<RedisBinary> | undefined;
  const start = async (name: string) => {
    binary ??= findRedis(keeper, options.places?.redis ?? usualRedisPlaces(), report);
    return startRedis(keeper, await binary, name);
  };
  const nodeNames = Array.from({ length: redisNodeCount }, (_, index) => `redis node ${index + 1}`);
  const [redis, ...redisNodes] = await Promise.all([
    redisUrl === undefined ? start('redis') : checkedRedis(redisUrl, 'REDIS_URL'),
    ...(redisNodeUrls.length > 0
      ? redisNodeUrls.map(url => checkedRedis(url, 'REDIS_NODES'))
      : nodeNames.map(start)),
  ]);
  return { redis, redisNodes, downloadMs: (await binary)?.downloadMs ?? 0 };
}

/**
 * Servers that answer: the given ones once they are checked, else ones that are started here.
 * Rejects with a message that says what to do, and leaves nothing behind then either.
 */
export async function openServices(options: ServicesOptions): Promise<Services> {
  options.signal?.throwIfAborted();
  const keeper = await openKeeper(options.report);
  const abort = () => void keeper.close();
  options.signal?.addEventListener('abort', abort, { once: true });
  const opening = [openPostgres(keeper, options), openRedis(keeper, options)] as const;
  try {
    const [postgres, { redis, redisNodes, downloadMs }] = await Promise.all(opening);
    options.signal?.throwIfAborted();
    for (const server of [postgres, redis, ...redisNodes]) options.report(described(server));
    return { postgres, redis, redisNodes, keeper, downloadMs, close: () => keeper.close() };
  } catch (error) {
    await keeper.close();
    await Promise.allSettled(opening); // what still went on here has removed its own by then
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}
