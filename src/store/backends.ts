import { Redis } from 'ioredis';
import type { Backends } from '../contract/index.ts';
import { LockConnections } from './lock-connections.ts';
import { createPool } from './postgres.ts';
import { connectRedis, firstConnect } from './redis.ts';

export interface BackendOptions {
  readonly databaseUrl: string;
  /** Undefined if nothing needs Redis: then no connection is opened. */
  readonly redisUrl: string | undefined;
  readonly redisNodeUrls: readonly string[];
  /**
   * Connections for session locks, apart from those for work: a shared pool would self-deadlock.
   */
  readonly lockConnectionsMax: number;
  readonly waitMs: number;
  readonly leaseMs: number;
  readonly connectTimeoutMs?: number;
  readonly onError?: (store: 'postgres' | 'redis', error: Error) => void;
  /** A Redis refuses a command for good. */
  readonly onRefused?: (url: string, error: Error) => void;
}

export interface OpenedBackends extends Backends {
  /** Resolves when each client has connected or failed to within 400 ms. Never rejects. */
  readonly connected: Promise<unknown>;
  /** Callers waiting for one of `locks`. */
  readonly locksWaiting: () => number;
  close(): Promise<void>;
}

/**
 * Opens what turns are built from, without waiting: a store that is down fails the command that
 * needs it.
 */
export function openBackends(options: BackendOptions): OpenedBackends {
  const { databaseUrl, redisUrl, redisNodeUrls, leaseMs, onError, onRefused } = options;
  const onRedisError = (error: Error): void => onError?.('redis', error);
  const connect = (url: string) =>
    connectRedis({
      url,
      leaseMs,
      onError: onRedisError,
      ...(onRefused && { onRefused: (error: Error) => onRefused(url, error) }),
    });
  const locks = createPool({
    url: databaseUrl,
    connectionsMax: options.lockConnectionsMax,
    lockTimeoutMs: options.waitMs,
    ...(options.connectTimeoutMs !== undefined && { connectTimeoutMs: options.connectTimeoutMs }),
    applicationName: 'lockstep locks',
    onIdleError: error => onError?.('postgres', error),
  });
  const connections = new LockConnections(locks, options.lockConnectionsMax);
  const redis = redisUrl === undefined ? new Redis({ lazyConnect: true }) : connect(redisUrl);
  const redisNodes = redisNodeUrls.map(connect);
  const clients = redisUrl === undefined ? redisNodes : [redis, ...redisNodes];
  return {
    // starts now, not when a turn is opened: a store that is down must not delay its first command
    connected: Promise.all(clients.map(firstConnect)),
    locks,
    locksWaiting: () => connections.waiting,
    lockConnection: attempt => connections.take(attempt),
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

/** Clears its timer: a process that wakes up for nothing takes CPU time from others. */
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
