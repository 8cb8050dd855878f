import { Redis } from 'ioredis';
import type { Backends } from '../contract/index.ts';
import { createPool } from './postgres.ts';
import { connectRedis, firstTry } from './redis.ts';

export interface BackendOptions {
  readonly databaseUrl: string;
  /** Undefined where nothing needs Redis: then no connection is made. */
  readonly redisUrl: string | undefined;
  readonly redisNodeUrls: readonly string[];
  /** Connections for session locks, apart from those for work: one pool for both locks itself out. */
  readonly lockConnectionsMax: number;
  readonly waitMs: number;
  readonly leaseMs: number;
  readonly connectTimeoutMs?: number;
  readonly onError?: (store: 'postgres' | 'redis', error: Error) => void;
}

export interface OpenedBackends extends Backends {
  /** Resolves when each client is connected, or was not in 400 ms: turns are opened after it. Never rejects. */
  readonly connected: Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Opens what turns are built from, and waits for nothing: a store that is away is met by the command
 * that needs it.
 */
export function openBackends(options: BackendOptions): OpenedBackends {
  const { databaseUrl, redisUrl, redisNodeUrls, leaseMs, onError } = options;
  const onRedisError = (error: Error): void => onError?.('redis', error);
  const connect = (url: string) => connectRedis({ url, leaseMs, onError: onRedisError });
  const locks = createPool({
    url: databaseUrl,
    connectionsMax: options.lockConnectionsMax,
    lockTimeoutMs: options.waitMs,
    ...(options.connectTimeoutMs !== undefined && { connectTimeoutMs: options.connectTimeoutMs }),
    applicationName: 'lockstep locks',
    onIdleError: error => onError?.('postgres', error),
  });
  const redis = redisUrl === undefined ? new Redis({ lazyConnect: true }) : connect(redisUrl);
  const redisNodes = redisNodeUrls.map(connect);
  const clients = redisUrl === undefined ? redisNodes : [redis, ...redisNodes];
  return {
    // from now on and not when a turn is opened: a store that is away must not make its first command late
    connected: Promise.all(clients.map(firstTry)),
    locks,
    redis,
    redisNodes,
    now: () => performance.now(),
    sleep,
    random: Math.random,
    async close() {
      for (const client of [redis, ...redisNodes]) client.disconnect();
      await locks.end();
    },
  };
}

/** No timer is left behind: a process that wakes for nothing takes the core from one that works. */
function sleep(ms: number, until?: Promise<unknown>): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    until?.then(end, end);
  });
}
