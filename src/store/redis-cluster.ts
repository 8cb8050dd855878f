import { Cluster, type Redis } from 'ioredis';
import type { RedisAddress } from './redis-url.ts';

const refreshMs = 1_000;
const redirectionsMax = 4;

export interface ClusterTerms {
  readonly answerMs: number;
  readonly connectTimeoutMs: number;
  readonly silenceMaxMs: number;
  readonly pauseBefore: (times: number) => number;
}

/**
 * A Redis Cluster as a lock store, under the rules of a single server: nothing is queued, and nothing is
 * sent again but to the node that a reply names, where it had no effect before. Given out as a `Redis`:
 * it has the same commands and events. What differs is `duplicate`, and a script or command whose keys
 * are not in one slot (docs/decisions/0021).
 */
export function connectCluster(address: RedisAddress, terms: ClusterTerms): Redis {
  const { username, password, tls } = address;
  const cluster = new Cluster([...address.hosts], {
    enableOfflineQueue: false,
    // each of these would send a command again whose reply was lost: a lease taken twice is nobody's
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 0,
    maxRedirections: redirectionsMax,
    clusterRetryStrategy: terms.pauseBefore,
    slotsRefreshTimeout: terms.connectTimeoutMs,
    slotsRefreshInterval: refreshMs, // a replica that took over is found without asking for its keys
    redisOptions: {
      ...(username && { username }),
      ...(password && { password }),
      ...(tls && { tls: {} }),
      connectTimeout: terms.connectTimeoutMs,
      socketTimeout: terms.silenceMaxMs,
      commandTimeout: terms.answerMs,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
    },
  });
  return cluster as unknown as Redis;
}
