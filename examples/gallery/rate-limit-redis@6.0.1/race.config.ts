import { rateLimit } from 'express-rate-limit';
import { Redis } from 'ioredis';
import { type RedisReply, RedisStore } from 'rate-limit-redis';
import type { ActorFunction } from '../../../src/explore/explore.ts';
import { race } from '../../../src/explore/race.ts';

/** A call at the store of express-rate-limit: how many calls does it count in this window? */
const call: ActorFunction = async ({ redisUrl }) => {
  const redis = new Redis(redisUrl);
  const sendCommand = (command: string, ...values: string[]) =>
    redis.call(command, ...values) as Promise<RedisReply>;
  const store = new RedisStore({ sendCommand });
  rateLimit({ store, limit: 1, windowMs: 60_000, validate: false });
  const { totalHits } = await store.increment('caller');
  redis.disconnect();
  return totalHits;
};

export default race({
  title: 'two calls and room for one',
  setup: '',
  audit: 'select 1 where false',
  check: ends => {
    const told = ends.map(end => (end?.kind === 'returned' ? end.value : end)).sort();
    return told.join() === '1,2' ? [] : [`the calls were counted as ${JSON.stringify(told)}`];
  },
  actors: { 'first call': call, 'second call': call },
});

export const note = 'The store of express-rate-limit 8.7.4 on Redis; no event in between.';
