/** Finds or starts Postgres and Redis, and leaves nothing behind. */
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

interface Given {
  readonly postgres: Server | undefined;
  readonly redis: Server | undefined;
  readonly redisNodes: readonly Server[];
}

/** The servers that URLs name. Rejects with what is wrong with each of them, all at once. */
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
 * Servers that answer: the given ones once they are checked, else ones that are started here.
 * Rejects with a message that says what to do, and leaves nothing behind then either.
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
    await Promise.allSettled(opening); // what still went on here has removed its own by then
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}
