import { Redis } from 'ioredis';
import {
  type ActorFunction,
  explore,
  type Race,
  type ServerUrls,
} from '../../src/explore/explore.ts';
import { onePgClient } from './programs.ts';

/** Explores callers under whole statements: few orders, and all of them. */
export const verdictOn =
  (servers: ServerUrls) =>
  (actors: Race['actors'], more: Partial<Race> = {}) => {
    const subject = { setup: '', audit: 'select 1 where false', actors, ...more };
    return explore(subject, { phases: false, preemptions: 1, ...more, servers });
  };

/** Two callers. */
export const pair = (act: ActorFunction, other = act) => ({ ann: act, bob: other });

/** One connection, and these statements one after the other. */
export const asks = (...texts: readonly string[]): ActorFunction =>
  onePgClient(async query => {
    for (const text of texts) await query(text);
  });

export const locks = (key: number): ActorFunction =>
  asks('begin', `select pg_advisory_xact_lock(${key})`, 'commit');

export const onRedis =
  (work: (redis: Redis) => Promise<unknown>): ActorFunction =>
  async urls => {
    const redis = new Redis(urls.redisUrl);
    return work(redis).finally(() => redis.disconnect());
  };
