import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { Failure, type FailureCode, failures } from '../../src/contract/index.ts';
import { Refusals } from '../../src/http/refusals.ts';
import { migrate } from '../../src/store/migrate.ts';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { makeRequest } from './appointments.ts';
import { type Edge, openEdge } from './edge.ts';
import { ask, post, type Reply } from './requests.ts';

const [redis, ...nodes] = await ownRedisServers(4);
if (!redis) throw new Error('four servers were asked for');

const readyz = (edge: Edge): Promise<Reply> => ask(`${edge.url}/readyz`);

async function checksOf(edge: Edge): Promise<unknown> {
  const { status, body } = await readyz(edge);
  expect(status).toBe(503);
  expect(body).toMatchObject({ type: '/problems/not-ready' });
  return body.checks;
}

const ready = (edge: Edge): Promise<void> =>
  until('it is ready', async () => (await readyz(edge)).status === 200);

/** Five commands, each of which is told of the failure; then a line of the log about it. */
async function expectRefused(
  edge: Edge,
  paths: readonly string[],
  code: FailureCode,
): Promise<void> {
  for (const path of paths.slice(0, 5)) {
    const reply = await post(`${edge.url}${path}`);
    expect(reply.body).toMatchObject({ type: `/problems/${code}`, outcome: 'failed' });
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, '1']);
    expect((await ask(`${edge.url}/problems/${code}`)).body).toMatchObject({ definite: true });
  }
  const { title } = failures[code];
  const lines = edge.logged.filter(one => one.includes(title));
  expect(lines.length).toBeLessThanOrEqual(2); // one each 10 s
  expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({
    level: 40,
    why: expect.stringMatching(/\w/),
  });
}

async function admin(url: string, ...texts: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const text of texts) await client.query(text);
  } finally {
    await client.end();
  }
}

describe('a lease service is ready while its Redis grants locks', async () => {
  const edge = await openEdge({ STRATEGY: 'redis-lease', REDIS_URL: redis.url });

  test('answers-and-refuses: a replica answers PING and grants nothing', async () => {
    await ready(edge);
    const { accepts } = await makeRequest(edge.url, 6);
    await redis.admin.replicaof('127.0.0.1', 1);
    expect(await checksOf(edge)).toEqual({ postgres: 'ok', redis: 'redis-read-only' });
    await expectRefused(edge, accepts, 'redis-read-only');
    await redis.admin.replicaof('NO', 'ONE');
    await ready(edge);
    expect((await post(`${edge.url}${accepts[5]}`)).status).toBe(201);
  });

  test('a full memory is told by the probe alone, without a command', async () => {
    await redis.admin.config('SET', 'maxmemory', '1');
    expect(await checksOf(edge)).toEqual({ postgres: 'ok', redis: 'redis-out-of-memory' });
    await until('it is logged', () =>
      edge.logged.some(line => line.includes('Redis is out of memory')),
    );
    await redis.admin.config('SET', 'maxmemory', '0');
    await ready(edge);
  });

  test('what the probe sets ends by itself', async () => {
    await ready(edge);
    const [probe = '', ...others] = await redis.admin.keys('lockstep:probe:*');
    expect(others).toEqual([]);
    if (probe) expect(await redis.admin.pttl(probe)).toBeLessThanOrEqual(1_000);
    await until('it is gone', async () => (await redis.admin.exists(probe)) === 0);
  });
});

describe('a redlock service is ready while a majority grants locks', async () => {
  const [first, second] = nodes;
  if (!first || !second) throw new Error('three nodes were asked for');
  const REDIS_NODES = nodes.map(node => node.url).join(',');
  const edge = await openEdge({ STRATEGY: 'redlock', REDIS_NODES });

  test('one of three may refuse; two of a kind are told, two of different kinds are unreachable', async () => {
    await ready(edge);
    await first.admin.config('SET', 'maxmemory', '1');
    await ready(edge);
    expect(edge.logged.some(line => line.includes('Redis is out of memory'))).toBe(true);
    await second.admin.config('SET', 'maxmemory', '1');
    expect(await checksOf(edge)).toEqual({ postgres: 'ok', 'redis nodes': 'redis-out-of-memory' });
    await first.admin.config('SET', 'maxmemory', '0');
    await first.admin.replicaof('127.0.0.1', 1);
    expect(await checksOf(edge)).toEqual({ postgres: 'ok', 'redis nodes': 'unreachable' });
    await first.admin.replicaof('NO', 'ONE');
    await ready(edge);
    await second.admin.config('SET', 'maxmemory', '0');
  });
});

describe('a service is ready while Postgres takes changes', async () => {
  const edge = await openEdge();
  const { pathname } = new URL(edge.databaseUrl);
  const name = pathname.slice(1);
  const endAll = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`;
  const readOnly = (value: 'on' | 'off'): Promise<void> =>
    admin(
      testServers().postgresUrl,
      `alter database ${name} set default_transaction_read_only = ${value}`,
      endAll, // a connection keeps the default that it found
    );

  test('a read-only database answers queries and takes nothing', async () => {
    await ready(edge);
    const { accepts } = await makeRequest(edge.url, 6);
    await readOnly('on');
    await until('the connections are new', async () => (await readyz(edge)).status === 503);
    await until('the probe is', async () => {
      const { body } = await readyz(edge);
      return JSON.stringify(body.checks) === '{"postgres":"postgres-read-only"}';
    });
    await expectRefused(edge, accepts, 'postgres-read-only');
    const made = { client: 'a test', therapistsNeeded: 1, therapistIds: ['1'] };
    const { body } = await post(`${edge.url}/appointment-requests`, made); // no command
    expect(body).toMatchObject({ type: '/problems/postgres-read-only', status: 503 });
    await readOnly('off');
    await ready(edge);
    await until('it works', async () => (await post(`${edge.url}${accepts[5]}`)).status === 201);
  });

  test('a full disk is remembered until something was committed', async () => {
    const { accepts } = await makeRequest(edge.url, 6);
    await admin(
      edge.databaseUrl,
      `create function full_disk() returns trigger language plpgsql as $$ begin
         raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
       end $$`,
      'create trigger full_disk before insert on appointments execute function full_disk()',
    );
    await expectRefused(edge, accepts, 'postgres-disk-full');
    expect(await checksOf(edge)).toEqual({ postgres: 'postgres-disk-full' });
    await admin(edge.databaseUrl, 'drop function full_disk cascade');
    expect((await post(`${edge.url}${accepts[5]}`)).status).toBe(201);
    expect((await readyz(edge)).status).toBe(200);
  });

  test('a start on a read-only database is refused, with what to do', async () => {
    const { url, name: other, drop } = await freshDatabase('template0', 'caller drops');
    const alter = `alter database ${other} set default_transaction_read_only = on`;
    await admin(testServers().postgresUrl, alter);
    await expect(migrate(url, [])).rejects.toThrow(/read-only; set default_transaction_read_only/);
    await drop();
  });
});

test('a full disk is forgotten after a while: only a command can find out', () => {
  let nowMs = 0;
  const told: string[] = [];
  const refusals = new Refusals(
    (_store, _error, what = '') => told.push(what),
    () => nowMs,
  );
  refusals.saw(new Failure('postgres-disk-full'));
  refusals.saw(new Failure('conflict'));
  refusals.saw(new Error('any'));
  expect(() => refusals.assertNone()).toThrow('The disk of Postgres is full');
  nowMs = 14_999;
  expect(() => refusals.assertNone()).toThrow();
  nowMs = 15_000;
  refusals.assertNone();
  refusals.saw(new Failure('postgres-read-only')); // the probe sees that by itself
  refusals.assertNone();
  expect(told).toEqual(['The disk of Postgres is full', 'Postgres is read-only']);
});
