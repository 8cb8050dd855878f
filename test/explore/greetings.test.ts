/** What looks like talk about a connection, and is a step: others may come before it. */
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import type { ActorFunction } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { asks, onRedis, pair, verdictOn } from './callers.ts';
import { onePgClient } from './programs.ts';

const redisUrl = await ownRedisUrl();
const verdict = verdictOn({ pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] });

describe('on Redis', { timeout: 60_000 }, () => {
  test('who subscribes behind the message waits for ever', async () => {
    const waiter: ActorFunction = async urls => {
      const redis = new Redis(urls.redisUrl);
      const listener = new Redis(urls.redisUrl);
      try {
        if ((await redis.get('done')) === '1') return 'done at once';
        const woken = new Promise(resolve => listener.on('message', () => resolve('woken')));
        await listener.subscribe('done');
        return await woken;
      } finally {
        redis.disconnect();
        listener.disconnect();
      }
    };
    const worker = onRedis(async redis => {
      await redis.set('done', '1');
      await redis.publish('done', 'now');
    });
    const found = await verdict({ waiter, worker });
    expect(found.outcome).toBe('unsafe');
    expect(found.why).toContain('stuck: A waits at something in its process');
  });

  test('who looks for the name of a connection, and takes it, is not alone', async () => {
    const leads = onRedis(async redis => {
      await redis.get('warm');
      if (String(await redis.client('LIST')).includes('name=leader')) return;
      await redis.client('SETNAME', 'leader');
      const leaders = await redis.incr('leaders');
      await redis.decr('leaders');
      return leaders;
    });
    const found = await verdict(pair(leads), {
      preemptions: 2,
      check: ends => {
        const two = ends.some(end => end?.kind === 'returned' && end.value === 2);
        return two ? ['two leaders'] : [];
      },
    });
    expect(found.outcome).toBe('unsafe');
  });
});

test('on Postgres, whether a type or a schema is there is a question like others', async () => {
  const makes = onePgClient(async query => {
    const there = await query("select 1 from pg_namespace where nspname = 'tenant'");
    if (there.length === 0) await query('create schema tenant');
  });
  const found = await verdict(pair(makes), {
    refusals: ['42P06', '23505'],
    check: ends => (ends.some(end => end?.kind === 'threw') ? ['it was there'] : []),
  });
  expect(found.outcome).toBe('unsafe');
  expect(found.violating).toBeLessThan(found.orders);
});

test.each([
  "select 1 where to_regtype('mood') is not null",
  "select 1 from pg_type where typname = 'mood' and typtype = 'e'",
])('whether a type is there, asked as %s', async text => {
  const makes = onePgClient(async query => {
    if ((await query(text)).length === 0) await query("create type mood as enum ('good')");
  });
  const found = await verdict(pair(makes), {
    refusals: ['42710', '23505'],
    check: ends => (ends.some(end => end?.kind === 'threw') ? ['it was there'] : []),
  });
  expect(found.outcome).toBe('unsafe');
});

test('a date that one caller moves and another reads is a meeting', async () => {
  const setup = `create table calendar (id int primary key, day date);
    insert into calendar values (1, '2020-01-01')`;
  const reads = asks('select day from calendar where id = 1');
  const moves = asks('update calendar set day = day + 1 where id = 1');
  const found = await verdict(pair(reads, moves), { setup, expect: 'independent' });
  expect(found.outcome).toBe('unsafe');
  expect(found.why).toContain('depends on the order');
});
