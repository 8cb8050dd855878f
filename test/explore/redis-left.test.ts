import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { RedisWorld } from '../../src/explore/run/redis-world.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { onePgClient, programs, subject } from './programs.ts';

const [redis] = await ownRedisServers(1);
if (redis === undefined) throw new Error('one server was asked for');
const { admin, url } = redis;
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [url] };
const nothing = 'select 1 where false';
const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');
const brief = { servers, preemptions: 0 } as const;

/** As an explorer leaves it that was killed together with its keeper. */
async function leaveKeys(): Promise<void> {
  const [library] = await whileExploring(() => admin.callBuffer('function', 'dump'));
  if (!Buffer.isBuffer(library)) throw new Error('nothing marks the server');
  await admin.call('function', 'restore', library, 'flush');
  await admin.set('left', 'behind');
}

/** What `look` gives while an order is under way. */
async function whileExploring<T>(look: () => Promise<T>): Promise<T[]> {
  const seen: T[] = [];
  await explore(
    {
      ...programs.autocommit,
      reset: async () => {
        seen.push(await look());
      },
    },
    { ...brief, executionsMax: 1 },
  );
  return seen;
}

describe('a Redis', { timeout: 60_000 }, () => {
  test('that holds somebody’s keys is refused, and keeps them', async () => {
    await admin.set('mine', '1');
    const found = await explore(programs['redis lease'], brief);
    expect(found).toMatchObject({ outcome: 'setup-failed' });
    expect(found.why).toContain('1 keys');
    expect(await admin.get('mine')).toBe('1');
    await admin.del('mine');
  });

  test('that a killed exploration has left is emptied, and left as it was found', async () => {
    await leaveKeys();
    const found = await explore(programs['redis lease'], brief);
    expect(found).toMatchObject({ outcome: 'safe' });
    expect(await admin.dbsize()).toBe(0);
    expect(await admin.call('function', 'list')).toEqual([]);
  });

  test('on which another exploration is at work is refused', async () => {
    const [found] = await whileExploring(() => explore(programs['redis lease'], brief));
    expect(found?.why).toContain('another exploration is using the Redis');
  });

  test('holds keys with their whole time before each order, though nobody was there', async () => {
    const world = await RedisWorld.open([url]);
    try {
      await world.fill(async () => void (await admin.set('lease', 'x', 'PX', 60_000)));
      await world.capture();
      const agedMs = (await admin.pttl('lease')) - 500;
      await expect.poll(() => admin.pttl('lease')).toBeLessThanOrEqual(agedMs);
      await world.restore({ any: false, code: false });
      expect(await admin.pttl('lease')).toBeGreaterThan(agedMs);
    } finally {
      await world.close();
    }
  });

  describe('what callers left is gone before the next order, where no hook of the config looks', () => {
    const script = "return 'of a caller'";
    const first: Readonly<Record<string, (client: Redis) => Promise<boolean>>> = {
      'a key': async client => (await client.set('left', 'x', 'NX')) !== null,
      'a script': async client => {
        const [known] = (await client.script('EXISTS', sha1(script))) as number[];
        await client.script('LOAD', script);
        return known === 0;
      },
    };

    test.each(Object.entries(first))('%s', async (_what, isFirst) => {
      const finds: ActorFunction = async urls => {
        const client = new Redis(urls.redisUrl);
        const found = await isFirst(client).finally(() => client.disconnect());
        if (found) await onePgClient(query => query('insert into first values (1)'))(urls);
      };
      const audit = 'select 1 where not exists (select from first)';
      const found = await explore(subject('create table first (n int)', audit, [finds, finds]), {
        servers,
        preemptions: 0,
        phases: false,
      });
      expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
      expect(found.orders).toBeGreaterThan(1);
    });
  });

  test('a server that two URLs name is one server', async () => {
    const redisUrls = [url, url.replace('127.0.0.1', 'localhost')];
    const touches: ActorFunction = async urls => {
      for (const url of urls.redisUrls) {
        const client = new Redis(url);
        await client.incr('n').finally(() => client.disconnect());
      }
    };
    const found = await explore(subject('select 1', nothing, [touches, touches]), {
      servers: { ...servers, redisUrls },
      preemptions: 0,
    });
    expect(found.outcome).toBe('safe');
  });
});
