/** What leaves no trace in a request or a lock, and is seen all the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import type { ActorFunction } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { asks, onRedis, pair, verdictOn } from './callers.ts';
import { onePgClient } from './programs.ts';

const redisUrl = await ownRedisUrl();
const verdict = verdictOn({ pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] });

describe('callers who are said to be independent meet', { timeout: 60_000 }, () => {
  const independent = { expect: 'independent' } as const;

  test('at a key that their scripts do not declare', async () => {
    const writes = (name: string) =>
      onRedis(redis => redis.eval("redis.call('set', 'winner', ARGV[1])", 0, name));
    const found = await verdict(pair(writes('ann'), writes('bob')), independent);
    expect(found.outcome).toBe('unsafe');
    expect(found.why).toContain('ann and bob used the key winner of redis, and both wrote it');
  });

  test('not at two keys of one name in two databases', async () => {
    const writes = (database: number) =>
      onRedis(async redis => {
        await redis.select(database);
        await redis.set('name', 'x');
      });
    expect((await verdict(pair(writes(0), writes(1)), independent)).outcome).toBe('independent');
    expect((await verdict(pair(writes(1), writes(1)), independent)).outcome).toBe('unsafe');
  });

  test('at a row of a table that is too large to be read', async () => {
    const setup = `create table big (id int primary key, n int);
      insert into big select id, 0 from generate_series(1, 6000) as id`;
    const writes = (n: number) => asks(`update big set n = ${n} where id = 1`);
    const found = await verdict(pair(writes(1), writes(2)), { ...independent, setup });
    expect(found.outcome).toBe('unsafe');
    expect(found.why).toContain('ann and bob used big id=1, and both wrote it');
    const apart = asks('update big set n = 2 where id = 2');
    const others = await verdict(pair(writes(1), apart), { ...independent, setup });
    expect(others.outcome).toBe('independent');
  });
});

test('who sleeps longer than the lease lasts gets no `safe`, unless it may end', async () => {
  const runs = onRedis(async redis => {
    if ((await redis.set('lock', 'mine', 'PX', 30_000, 'NX')) !== 'OK') return 'busy';
    const runs = Number((await redis.get('runs')) ?? 0);
    await sleep(60_000);
    await redis.set('runs', String(runs + 1));
    return runs;
  });
  const check = (ends: readonly ({ kind: string; value?: unknown } | undefined)[]) => {
    const first = ends.filter(end => end?.kind === 'returned' && end.value === 0);
    return first.length > 1 ? ['both were the first'] : [];
  };
  const asleep = await verdict(pair(runs), { check });
  expect(asleep.outcome).toBe('inconclusive');
  expect(asleep.why).toContain('slept longer than the Redis key lock had left to live');
  const ends = await verdict(pair(runs), { check, events: ['lease-expires'] });
  expect(ends.outcome).toBe('unsafe');
});

test('a caller that ends its process ends itself alone', async () => {
  const exits = onePgClient(async query => {
    await query('update hit set n = n + 1');
    process.exit(0);
  });
  const setup = 'create table hit (n int); insert into hit values (0)';
  const found = await verdict(pair(exits), { setup });
  expect(found.outcome).toBe('setup-failed'); // nobody got through
  expect(found.why).toContain('uncaught: process.exit(0)');
});

test('a loop that waits for the clock ends, and at the same time in each run', async () => {
  const waits = onePgClient(async query => {
    await query('update hit set n = n + 1');
    const beganMs = Date.now();
    while (Date.now() - beganMs < 50);
    await query('update hit set n = n + 1');
    return Date.now() - beganMs;
  });
  const setup = 'create table hit (n int); insert into hit values (0)';
  const found = await verdict(pair(waits), { setup });
  expect(found.outcome).toBe('safe');
  expect([...found.ends.keys()]).toEqual(['A returned 50 · B returned 50']);
});

test('a timer that a caller leaves behind, and that would write, keeps it from being safe', async () => {
  const leaves: ActorFunction = async urls => {
    const redis = new Redis(urls.redisUrl);
    redis.on('error', () => undefined);
    await redis.incr('n');
    setTimeout(() => void redis.incr('n'), 50);
  };
  const found = await verdict(pair(leaves));
  expect(found.outcome).toBe('inconclusive');
  expect(found.why).toContain('behind the answer of its caller was not run: ann asks for `INCR n`');
});

test('what is kept in a comment is put back before each order', async () => {
  const takes = onePgClient(async query => {
    const [row] = await query("select obj_description('seat'::regclass) as taken");
    if (row?.taken !== null) return;
    await query("comment on table seat is 'taken'");
    await query('insert into seat values (1)');
  });
  const found = await verdict(pair(takes), {
    setup: 'create table seat (id int)',
    audit: 'select count(*) from seat having count(*) > 1',
  });
  expect(found.outcome).toBe('unsafe');
  expect(found.violating).toBeLessThan(found.orders);
});
