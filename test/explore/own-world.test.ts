import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { type ActorFunction, explore, type Subject } from '../../src/explore/explore.ts';
import { PostgresControl } from '../../src/explore/run/postgres-control.ts';
import { scriptsOf } from '../../src/explore/run/redis-scripts.ts';
import { runSetup } from '../../src/explore/run/setup.ts';
import { freshDatabase } from '../database.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const [redis] = await ownRedisServers(1);
if (redis === undefined) throw new Error('one server was asked for');
const servers = { pgUrl: testServers().postgresUrl };
const withRedis = { ...servers, redisUrls: [redis.url] };
const nothing = 'select 1 where false';

/** What callers threw counts as a violation. */
function noThrows(setup: string, actors: readonly ActorFunction[]): Subject {
  return {
    ...subject(setup, nothing, actors),
    check: ends => ends.flatMap(end => (end?.kind === 'threw' ? [end.message] : [])),
  };
}

describe('callers that make their tables at their start', () => {
  test('a look before CREATE TABLE is a race', async () => {
    const start = onePgClient(async query => {
      const [row] = await query("select to_regclass('job') as job");
      if (row?.job === null) await query('create table job (id int)');
    });
    const found = await explore(noThrows('select 1', [start, start]), { servers });
    expect(found.outcome).toBe('unsafe');
    expect(found.why).toContain('42P07');
  });

  test('CREATE TABLE IF NOT EXISTS in a transaction is one', async () => {
    const start = onePgClient(async query => {
      await query('begin');
      await query('create table if not exists job (id int)');
      await query('commit');
    });
    const found = await explore(noThrows('select 1', [start, start]), { servers });
    expect(found.outcome).toBe('unsafe');
    expect(found.why).toContain('23505');
  });

  test('behind an advisory lock it is none, in every order', async () => {
    const start = onePgClient(async query => {
      await query('begin');
      await query('select pg_advisory_xact_lock(1)');
      await query('create table if not exists job (id int)');
      await query('commit');
    });
    const found = await explore(noThrows('select 1', [start, start]), { servers });
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
  });
});

test('the time is over inside an order: it is given up, and nothing waits for it', async () => {
  const sleeps = onePgClient(query => query('select pg_sleep(60)'));
  const beganMs = performance.now();
  const found = await explore(subject('select 1', nothing, [sleeps]), {
    servers,
    stepMs: 60_000,
    secondsMax: 10, // the setup is to end within it on a busy machine, too
  });
  expect(found).toMatchObject({ outcome: 'budget-stopped', orders: 0 });
  expect(performance.now() - beganMs).toBeLessThan(40_000);
});

test('so it is in the setup', async () => {
  const found = await explore(subject('select pg_sleep(60)', nothing, [async () => 1]), {
    servers,
    secondsMax: 1,
  });
  expect(found.outcome).toBe('setup-failed');
  expect(found.why).toContain('the setup did not end within');
});

describe('a setup', () => {
  async function setUp(text: string): Promise<unknown> {
    const { url } = await freshDatabase();
    const control = new PostgresControl(url);
    await control.open();
    try {
      await runSetup(control, text);
      return (await control.query('select count(*)::int as n from seat'))[0]?.n;
    } finally {
      await control.close();
    }
  }

  test.each([
    ['a statement of its own', 'create index concurrently on seat (n); vacuum seat'],
    ['its own transaction', 'begin; insert into seat values (3); commit; vacuum seat'],
    [
      'a procedure that commits',
      'create procedure p() begin atomic select 1; end; do $$ begin commit; end $$',
    ],
  ])('may need %s', async (_what, text) => {
    const made = await setUp(
      `create table seat (n int); insert into seat values (1), (2); ${text}`,
    );
    expect(made).toBe(text.startsWith('begin') ? 3 : 2);
  });

  test('is all or nothing where it can be', async () => {
    const failing = 'create table seat (n int); insert into seat values (1); select 1 / 0';
    await expect(setUp(failing)).rejects.toThrow('division by zero');
  });

  test('names the statement that failed where it was split', async () => {
    const failing =
      "create table seat (t text); vacuum seat; insert into seat values ('; '), (1 / 0)";
    await expect(setUp(failing)).rejects.toThrow(
      /division by zero \(22012\), in: insert into seat/,
    );
  });
});

describe('Redis', () => {
  test('keys in another database of the server do not outlive an order', async () => {
    const takesOnce: ActorFunction = async ({ redisUrl }) => {
      const client = new Redis(redisUrl, { db: 3 });
      const taken = await client.set('once', 'x', 'NX');
      client.disconnect();
      return taken === null ? 'busy' : 'did';
    };
    const found = await explore(
      {
        ...subject('select 1', nothing, [takesOnce, takesOnce]),
        check: ends => {
          const told = ends.map(end => (end?.kind === 'returned' ? end.value : end?.kind));
          return told.filter(one => one === 'did').length === 1 ? [] : [told.join()];
        },
      },
      { servers: withRedis },
    );
    expect(found.why).toContain('satisfy the audit');
    expect(found.outcome).toBe('safe');
    expect(await redis.admin.info('keyspace')).not.toContain('db');
  });

  test('a server with keys in any database is refused, and keeps them', async () => {
    await redis.admin.select(5);
    await redis.admin.set('precious', '1');
    try {
      const found = await explore(subject('select 1', nothing, [async () => 1]), {
        servers: withRedis,
      });
      expect(found.outcome).toBe('setup-failed');
      expect(found.why).toContain('1 keys in database 5');
      expect(found.why).toContain('a server of its own');
      expect(await redis.admin.get('precious')).toBe('1');
    } finally {
      await redis.admin.flushall();
      await redis.admin.select(0);
    }
  });

  test('what prepare left is there in every order: types, times to live, functions, scripts', async () => {
    const library = "#!lua name=mine\nredis.register_function('one', function() return 1 end)";
    const script = "return redis.call('get', KEYS[1]) .. 'é\\n'";
    let sha = '';
    const seen: unknown[] = [];
    const adds: ActorFunction = async ({ redisUrl }) => {
      const client = new Redis(redisUrl);
      await client.rpush('list', 'c');
      client.disconnect();
    };
    const found = await explore(
      {
        ...subject('select 1', nothing, [adds, adds]),
        prepare: async (_pgUrl, [url = '']) => {
          const client = new Redis(url);
          await client.set('text', Buffer.from([0, 255, 13, 10]));
          await client.set('short', 'x', 'PX', 500_000);
          await client.rpush('list', 'a', 'b');
          await client.hset('hash', { a: '1' });
          await client.zadd('sorted', 1.5, 'a');
          await client.xadd('stream', '1-1', 'a', '1');
          await client.select(2);
          await client.sadd('set', 'a');
          await client.function('LOAD', library);
          sha = String(await client.script('LOAD', script));
          client.disconnect();
        },
        reset: async ({ redisUrls: [url = ''] }) => {
          const client = new Redis(url);
          const left = await client.pttl('short');
          seen.push({
            keys: (await client.keys('*')).sort(),
            text: [...((await client.getBuffer('text')) ?? [])],
            lives: left > 400_000 && left <= 500_000,
            list: await client.lrange('list', 0, -1),
            stream: await client.xrange('stream', '-', '+'),
            called: await client.call('FCALL', 'one', '0'),
            script: String(await client.evalsha(sha, 1, 'short')),
            set: await client.select(2).then(() => client.smembers('set')),
          });
          // as a caller might
          await client.flushall();
          await client.function('FLUSH');
          await client.script('FLUSH');
          client.disconnect();
        },
      },
      { servers: withRedis },
    );
    expect(found.outcome).toBe('safe');
    const once = {
      keys: ['hash', 'list', 'short', 'sorted', 'stream', 'text'],
      text: [0, 255, 13, 10],
      lives: true,
      list: ['a', 'b'],
      stream: [['1-1', ['a', '1']]],
      called: 1,
      script: 'xé\n',
      set: ['a'],
    };
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual(Array(seen.length).fill(once));
    expect(await redis.admin.call('FUNCTION', 'LIST')).toEqual([]);
  });

  test.each([
    [
      '1.2 [0 127.0.0.1:1] "script" "LOAD" "return \\"a\\xc3\\xa9\\n\\\\\\""',
      ['return "a\u00c3\u00a9\n\\"'],
    ],
    ['1.2 [0 127.0.0.1:1] "EVAL" "return 1" "0"', ['return 1']],
    ['1.2 [0 lua] "get" "script"', []],
    ['1.2 [0 127.0.0.1:1] "script" "flush"', []],
  ])('a line of MONITOR names the scripts: %s', (line, scripts) => {
    expect(scriptsOf(line)).toEqual(scripts);
  });
});

test('check may wait, and ask the servers when all is over', async () => {
  const writes = onePgClient(query => query('insert into seat values (1)'));
  const found = await explore(
    {
      ...subject('create table seat (n int)', nothing, [writes, writes]),
      check: async (_ends, { pgUrl }) => {
        const client = new pg.Client(pgUrl);
        await client.connect();
        const { rows } = await client.query('select count(*)::int as n from seat');
        await client.end();
        return rows[0]?.n === 2 ? [] : ['not both'];
      },
      expect: 'independent',
    },
    { servers },
  );
  expect(found.outcome).toBe('independent');
});
