import { Redis } from 'ioredis';

export interface RedisOptions {
  readonly url: string;
  /** A command is given up after a tenth of it: a lease that was granted late is worth little. */
  readonly leaseMs: number;
  /** Told of connection errors; the client reconnects by itself. */
  readonly onError?: (error: Error) => void;
}

const reconnectMaxMs = 250;

/**
 * A connection for locks alone. With the defaults a command waits for a server that is away (10 s on
 * ioredis 5, 73 s on 6), is sent again after a reconnect, and can leave a lock that nobody holds.
 */
export function connectRedis({ url, leaseMs, onError }: RedisOptions): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: Math.max(20, Math.min(400, Math.floor(leaseMs / 10))),
    connectTimeout: 400,
    retryStrategy: times => Math.min(reconnectMaxMs, 10 * 2 ** Math.min(times, 8)),
    enableAutoPipelining: false, // lock pairs are slower with it: measured
  });
  redis.on('error', error => onError?.(error));
  return redis;
}
