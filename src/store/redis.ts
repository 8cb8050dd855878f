import { type RedisOptions as AllOptions, type Command, Redis } from 'ioredis';
import { connectCluster } from './redis-cluster.ts';
import { type RedisAddress, redisAddress, redisPlace } from './redis-url.ts';
import { isDenied, isMoved } from './refusals.ts';

/** Replies keep the shape that ioredis gives them by default. */
type ClientOptions = Omit<AllOptions, 'protocol' | 'replyMapping'>;

export interface RedisOptions {
  readonly url: string;
  /** A command times out after a tenth of it: a lease granted late is worth little. */
  readonly leaseMs: number;
  /** Receives connection errors; the client reconnects by itself. */
  readonly onError?: (error: Error) => void;
  /** Receives replies by which the server refuses a command for good: no permission, or another node. */
  readonly onRefused?: (error: Error) => void;
}

const reconnectMaxMs = 250;
const connectTimeoutMs = 400;
const silenceMaxMs = 1_000;
const commandMaxMs = 300; // an outage is reported within 500 ms

/** Commands per write: the server can start on them while the next ones are written. */
const commandsPerWriteMax = 16;

/** The commands sent in one iteration of the event loop. */
interface Batch {
  readonly socket: Redis['stream'] | undefined;
  readonly commands: Command[];
}

/**
 * Batches the commands of one event-loop iteration into few writes: the write is the most expensive
 * part of a command (`npm run floors -- --only pairs`).
 *
 * Times a command out only if no reply is waiting unread in the socket. The client's own
 * `commandTimeout` looks only at the clock: after a busy period it would give up a lease that was
 * granted in time, leaving the key locked until the lease expires. After a second of silence the
 * client replaces the connection, and the reply is lost in any case.
 */
class PunctualRedis extends Redis {
  readonly #answerMs: number;
  readonly #onRefused: ((error: Error) => void) | undefined;
  #batch: Batch | undefined;

  /** Nothing is queued or resent: a caller that needs the lock learns of an outage at once. */
  constructor(address: RedisAddress, answerMs: number, onRefused?: (error: Error) => void) {
    const usual: ClientOptions = {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      connectTimeout: connectTimeoutMs,
      socketTimeout: silenceMaxMs, // replaces a half-open connection
      retryStrategy: pauseBefore,
      enableAutoPipelining: false, // slower: one more object and promise per command
    };
    if (address.url === undefined) super({ ...usual, ...optionsOf(address) });
    else super(address.url, usual);
    this.#answerMs = answerMs;
    this.#onRefused = onRefused;
  }

  override sendCommand(command: Command, stream?: Parameters<Redis['sendCommand']>[1]): unknown {
    this.#batch ??= this.#begin();
    const { socket, commands } = this.#batch;
    const sent = super.sendCommand(command, stream);
    if (commands.push(command) % commandsPerWriteMax === 0) {
      socket?.uncork();
      socket?.cork();
    }
    return sent;
  }

  #begin(): Batch {
    const { stream: socket }: { readonly stream?: Redis['stream'] } = this;
    const batch: Batch = { socket, commands: [] };
    socket?.cork();
    process.nextTick(() => this.#end(batch)); // after all promise callbacks of this iteration
    return batch;
  }

  /** The timeout starts here: what this process did since the call is not the server's delay. */
  #end({ socket, commands }: Batch): void {
    this.#batch = undefined;
    socket?.uncork();
    for (const command of commands) if (!command.isSettled) this.#limit(command);
  }

  #limit(command: Command): void {
    const timer = setTimeout(timeOutAfterReads, this.#answerMs, command);
    command.promise.then(
      () => clearTimeout(timer),
      (error: unknown) => {
        clearTimeout(timer);
        if (isDenied(error) || isMoved(error)) this.#onRefused?.(error);
      },
    );
  }
}

function pauseBefore(times: number): number {
  return Math.min(reconnectMaxMs, 10 * 2 ** Math.min(times, 8));
}

/** What a URL of ours says and ioredis does not read from a URL. */
function optionsOf(address: RedisAddress): ClientOptions {
  const { kind, username, password, db } = address;
  const tls = address.tls ? {} : undefined; // whom to trust: NODE_EXTRA_CA_CERTS
  const login = { ...(username && { username }), ...(password && { password }), db };
  if (kind === 'socket') return { ...login, path: address.path };
  return {
    ...login,
    sentinels: [...address.hosts],
    name: address.primary,
    ...(address.sentinelUsername && { sentinelUsername: address.sentinelUsername }),
    ...(address.sentinelPassword && { sentinelPassword: address.sentinelPassword }),
    sentinelCommandTimeout: connectTimeoutMs, // a frozen sentinel must not keep the others from being asked
    sentinelRetryStrategy: pauseBefore,
    updateSentinels: false, // those that are named: what they tell of each other may be an inner address
    // demoted while we are connected: its sentinels know the new one
    reconnectOnError: error => error.message.startsWith('READONLY'),
    ...(tls && { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
  };
}

/** The event loop reads sockets after timers and before setImmediate. */
function timeOutAfterReads(command: Command): void {
  setImmediate(() => {
    if (!command.isSettled) command.reject(new Error('Command timed out'));
  });
}

/**
 * A connection for locks only. With ioredis defaults a command waits for a server that is down (10
 * s on ioredis 5, 73 s on 6), is resent after a reconnect, and can leave an orphaned lock.
 */
export function connectRedis({ url, leaseMs, onError, onRefused }: RedisOptions): Redis {
  const answerMs = Math.max(20, Math.min(commandMaxMs, Math.floor(leaseMs / 10)));
  const address = redisAddress(url);
  if (!address) throw new Error('not the URL of a Redis');
  const terms = { answerMs, connectTimeoutMs, silenceMaxMs, pauseBefore };
  const redis =
    address.kind === 'cluster'
      ? connectCluster(address, terms)
      : new PunctualRedis(address, answerMs, onRefused);
  redis.on('error', error => onError?.(error));
  return redis;
}

const firstConnectMaxMs = 400;

/**
 * Resolves when the first connection attempt has succeeded or failed, at most 400 ms. Never
 * rejects.
 */
export function firstConnect(redis: Redis): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      redis.off('ready', done).off('close', done);
      resolve();
    };
    const timer = setTimeout(done, firstConnectMaxMs);
    redis.once('ready', done).once('close', done);
  });
}

const readyMaxMs = 1_000;

/** What is wrong with the configuration of one Redis, as sentences without its password. */
export interface RedisFindings {
  readonly url: string;
  /** It endangers locks; they work. */
  readonly warning: string | undefined;
  /** It cannot serve as a lock store. */
  readonly problem: string | undefined;
}

/** Looks at each Redis; nothing is found at one that does not respond within a second. */
export function redisFindings(urls: readonly string[]): Promise<readonly RedisFindings[]> {
  return Promise.all(
    urls.map(async url => {
      const redis = connectRedis({ url, leaseMs: 10 * commandMaxMs });
      const named = (found: string | undefined): string | undefined =>
        found && `Redis at ${redisPlace(url)}: ${found}`;
      try {
        if (!(await becomesReady(redis))) return { url, warning: undefined, problem: undefined };
        const asCluster = redis.isCluster; // then its nodes are what is wanted
        const [warning, problem] = [
          await evictionWarning(redis),
          asCluster ? undefined : await clusterProblem(redis),
        ];
        return { url, warning: named(warning), problem: named(problem) };
      } finally {
        redis.disconnect();
      }
    }),
  );
}

/** A node of a cluster has the locks of its own slots only, and answers MOVED for the others. */
async function clusterProblem(redis: Redis): Promise<string | undefined> {
  const info = await redis.info('cluster').catch(() => '');
  return /^cluster_enabled:1\b/m.test(info)
    ? 'it is a node of a Redis Cluster, which has only some of the locks; name a Redis that is no part of a cluster'
    : undefined;
}

function becomesReady(redis: Redis): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, readyMaxMs, false);
    redis.once('ready', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/**
 * A warning if a Redis may evict locks that are still held; undefined if it cannot, or if it does
 * not tell (CONFIG may be forbidden).
 */
export async function evictionWarning(redis: Redis): Promise<string | undefined> {
  const answer: unknown = await redis.config('GET', 'maxmemory*').catch(() => []);
  const words = Array.isArray(answer) ? answer.map(String) : [];
  const settingOf = (name: string): string | undefined => words[words.indexOf(name) + 1];
  const policy = words.includes('maxmemory-policy') ? settingOf('maxmemory-policy') : undefined;
  if (policy === undefined || policy === 'noeviction') return undefined;
  const limit = settingOf('maxmemory') === '0' ? ' once a maxmemory is set' : '';
  return `maxmemory-policy is ${policy}: Redis may evict locks that are held${limit}; set it to noeviction`;
}
