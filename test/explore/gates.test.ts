import { connect } from 'node:net';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
const options = { servers, phases: false } as const;
const table = 'create table booking (id serial primary key, who text)';
const nothing = 'select 1 where false';

function withRedis(work: (client: Redis) => Promise<unknown>): ActorFunction {
  return async ({ redisUrl }) => {
    const client = new Redis(redisUrl, { maxRetriesPerRequest: 0, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  };
}

async function alone(actor: ActorFunction) {
  const found = await explore(subject(table, nothing, [actor]), options);
  expect(found).toMatchObject({ violating: 0, exhausted: true });
  return [...found.ends.keys()];
}

interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** The least that makes node-postgres send a COPY. */
function copyIn(client: pg.Client, text: string, data: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const copy = {
      submit: (connection: CopyConnection) => connection.query(text),
      handleCopyInResponse: (connection: CopyConnection) => {
        connection.sendCopyFromChunk(Buffer.from(data));
        connection.endCopyFrom();
      },
      handleCommandComplete: () => undefined,
      handleReadyForQuery: () => resolve(),
      handleError: reject,
      callback: () => undefined,
    };
    Reflect.apply(client.query, client, [copy]);
  });
}

/** What psql does upon Ctrl-C: a new connection that only names the one to cancel. */
function cancel(client: pg.Client, url: string): Promise<void> {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32BE(16, 0);
  bytes.writeInt32BE(80877102, 4);
  bytes.writeInt32BE(Number(Reflect.get(client, 'processID')), 8);
  bytes.writeInt32BE(Number(Reflect.get(client, 'secretKey')), 12);
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
    socket.on('close', () => resolve());
    socket.on('error', () => socket.destroy());
    socket.write(bytes);
    socket.resume();
  });
}

/** The labels of the only order of one actor: found by an audit that always complains. */
async function stepsOf(actor: ActorFunction): Promise<string[]> {
  const found = await explore(subject(table, 'select 1', [actor]), options);
  return found.counterexample?.record.lines.map(line => line.label) ?? [];
}

describe('Postgres clients', () => {
  test('parameters, prepared names and several statements in one request', async () => {
    const actor: ActorFunction = async ({ pgUrl }) => {
      const client = new pg.Client(pgUrl);
      await client.connect();
      await client.query({
        name: 'in',
        text: 'insert into booking (who) values ($1)',
        values: ['a'],
      });
      await client.query({
        name: 'in',
        text: 'insert into booking (who) values ($1)',
        values: ['b'],
      });
      await client.query("insert into booking (who) values ('c'); select 1");
      const { rows } = await client.query('select who from booking order by id');
      await client.end();
      return rows.map(row => row.who).join('');
    };
    expect(await alone(actor)).toEqual(['A returned "abc"']);
    expect(await stepsOf(actor)).toEqual([
      'insert into booking (who) values ($1)',
      'insert into booking (who) values ($1)',
      "insert into booking (who) values ('c'); select 1",
      'select who from booking order by id',
    ]);
  });
  test('rows in portions: each Execute before a Flush is a step', async () => {
    const actor: ActorFunction = async ({ pgUrl }) => {
      const client = new pg.Client(pgUrl);
      await client.connect();
      // `rows` makes the client fetch by portions, which its types leave out.
      const portions = { text: 'select generate_series(1, 5) as n', rows: 2 };
      const { rowCount, rows } = await client.query(portions);
      await client.query("insert into booking (who) values ('after')");
      await client.end();
      return rowCount ?? rows.length;
    };
    const [end] = await alone(actor);
    expect(end).toMatch(/A returned/);
  });

  test('connection chatter is no step', async () => {
    const actor = onePgClient(async query => {
      await query("set statement_timeout = '30s'");
      await query('show server_version');
      await query("select oid, typarray from pg_type where typname = 'int4'");
      await query('select count(*) from booking');
    });
    expect(await stepsOf(actor)).toEqual(['select count(*) from booking']);
  });

  test('two connections of one actor at once are two lanes', async () => {
    const actor: ActorFunction = async ({ pgUrl }) => {
      const pool = new pg.Pool({ connectionString: pgUrl, max: 2 });
      pool.on('error', () => undefined);
      const insert = 'insert into booking (who) values ($1)';
      await Promise.all(['one', 'two'].map(who => pool.query(insert, [who])));
      await pool.end();
    };
    const found = await explore(subject(table, nothing, [actor]), {
      ...options,
      preemptions: 'unbounded',
      reduce: false,
    });
    expect(found).toMatchObject({ violating: 0, orders: 2, exhausted: true });
  });

  test('a failed statement in a transaction reaches the client as it is', async () => {
    const actor = onePgClient(async query => {
      await query('begin');
      const failed = await query('select 1 / 0').catch((error: pg.DatabaseError) => error.code);
      const skipped = await query('select 1 as a').catch((error: pg.DatabaseError) => error.code);
      await query('rollback');
      return [failed, skipped];
    });
    expect(await alone(actor)).toEqual(['A returned ["22012","25P02"]']);
  });

  test('COPY FROM STDIN is one step, its data passes', async () => {
    const actor: ActorFunction = async ({ pgUrl }) => {
      const client = new pg.Client(pgUrl);
      await client.connect();
      await copyIn(client, 'copy booking (who) from stdin', 'a\nb\n');
      const { rows } = await client.query('select count(*)::int as n from booking');
      await client.end();
      return rows[0]?.n;
    };
    expect(await alone(actor)).toEqual(['A returned 2']);
    expect((await stepsOf(actor))[0]).toBe('copy booking (who) from stdin');
  });

  test('a cancel request on a connection of its own is a step', async () => {
    const slow: ActorFunction = async ({ pgUrl }) => {
      const client = new pg.Client(pgUrl);
      await client.connect();
      await client.query('select pg_advisory_lock(9)');
      const other = new pg.Client(pgUrl);
      await other.connect();
      const waiting = other
        .query('select pg_advisory_lock(9)')
        .catch((error: pg.DatabaseError) => error.code);
      await cancel(other, pgUrl);
      await client.query('select pg_advisory_unlock(9)');
      const code = (await waiting) === '57014' ? 'cancelled' : 'too early to cancel';
      await Promise.all([client.end(), other.end()]);
      return code;
    };
    expect((await alone(slow)).sort()).toEqual([
      'A returned "cancelled"',
      'A returned "too early to cancel"',
    ]);
  });

  test('a wrong password or database is the client’s error, not a hang', async () => {
    const actor: ActorFunction = async ({ pgUrl }) => {
      const url = new URL(pgUrl);
      url.pathname = '/no_such_database';
      const client = new pg.Client(url.href);
      client.on('error', () => undefined);
      return client.connect().then(
        () => 'in',
        (error: pg.DatabaseError) => error.code,
      );
    };
    expect(await alone(actor)).toEqual(['A returned "3D000"']);
  });

  test('a wrong password is refused by a backend that the right one opened, too', async () => {
    const codeOf = async (url: string): Promise<unknown> => {
      const client = new pg.Client(url);
      client.on('error', () => undefined);
      try {
        await client.connect();
        return (await client.query('select 1 as one')).rows[0]?.one;
      } catch (error) {
        return error instanceof pg.DatabaseError ? error.code : String(error);
      } finally {
        await client.end().catch(() => undefined);
      }
    };
    const actor: ActorFunction = async ({ pgUrl }) => {
      const wrong = new URL(pgUrl);
      expect(wrong.password).not.toBe('');
      wrong.password = 'wrong';
      return [await codeOf(pgUrl), await codeOf(wrong.href), await codeOf(pgUrl)];
    };
    expect(await alone(actor)).toEqual(['A returned [1,"28P01",1]']);
  });
});

describe('Redis clients', () => {
  test('a pipeline is one step per command, in order', async () => {
    const actor = withRedis(async client => {
      const answers = await client.pipeline().set('k', '1').incr('k').get('k').exec();
      return answers?.map(([, value]) => value);
    });
    expect(await alone(actor)).toEqual(['A returned ["OK",2,"2"]']);
    expect(await stepsOf(actor)).toEqual(['SET k 1', 'INCR k', 'GET k']);
  });

  test('MULTI is one step: nothing takes effect before EXEC', async () => {
    const actor = withRedis(async client => {
      const answers = await client.multi().set('k', '1').incr('k').exec();
      return answers?.map(([, value]) => value);
    });
    expect(await stepsOf(actor)).toEqual(['MULTI SET k 1 INCR k EXEC']);
    expect(await alone(actor)).toEqual(['A returned ["OK",2]']);
  });

  test('WATCH is a step, so a write between it and EXEC is found', async () => {
    const increment = withRedis(async client => {
      await client.watch('k');
      const value = Number((await client.get('k')) ?? 0);
      const answers = await client
        .multi()
        .set('k', value + 1)
        .exec();
      return answers === null ? 'conflict' : 'done';
    });
    const found = await explore(subject(table, nothing, [increment, increment]), options);
    expect([...found.ends.keys()].sort()).toEqual([
      'A returned "conflict" · B returned "done"',
      'A returned "done" · B returned "conflict"',
      'A returned "done" · B returned "done"',
    ]);
  });

  test('a blocking pop without a limit waits until another actor pushes', async () => {
    const pop = withRedis(async client => (await client.blpop('queue', 0))?.[1]);
    const push = withRedis(client => client.lpush('queue', 'job'));
    const found = await explore(
      { ...subject(table, nothing, [push, pop]) },
      { ...options, preemptions: 'unbounded', reduce: false },
    );
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true, orders: 2 });
    expect([...found.ends.keys()]).toEqual(['A returned 1 · B returned "job"']);
  });

  test('a message is delivered as a step of its own', async () => {
    const listen = withRedis(async client => {
      const message = new Promise(resolve => client.on('message', (_, text) => resolve(text)));
      await client.subscribe('turns');
      return message;
    });
    const publish = withRedis(async client => {
      for (let tries = 0; tries < 3; tries++) {
        if ((await client.publish('turns', 'yours')) > 0) return 'heard';
      }
      return 'unheard';
    });
    const steps = await explore(subject(table, 'select 1', [listen, publish]), options);
    const labels = steps.counterexample?.record.lines.map(line => line.label);
    const [subscribes, ...others] = labels ?? [];
    expect(subscribes).toBe('SUBSCRIBE turns');
    expect(others).toEqual(['PUBLISH turns yours', 'receives message turns yours']);
  });
});
