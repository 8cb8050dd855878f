import { createServer, type Server as NetServer, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, openServices } from '../../src/services/index.ts';
import { unusableReason } from '../../src/services/postgres-check.ts';
import { isNewEnough } from '../../src/services/redis-probe.ts';
import { testServers } from '../servers.ts';

/** Accepts connections and says nothing, as a host behind a firewall or a frozen server does. */
const silent: NetServer = createServer(socket => {
  sockets.push(socket.on('error', () => {})); // whoever gives up may leave with a reset
});
const sockets: Socket[] = [];

beforeAll(() => new Promise<void>(resolve => void silent.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  silent.close();
});

function silentPort(): number {
  const address = silent.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

interface Urls {
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly redisNodeUrls?: readonly string[];
}

/** With all URLs given nothing is started. */
function open(urls: Urls, report: (line: string) => void = () => {}) {
  const { postgresUrl: databaseUrl, redisUrl, redisNodeUrls } = testServers();
  const given = { databaseUrl, redisUrl, redisNodeUrls, ...urls };
  return openServices({ ...given, redisNodeCount: 3, durable: false, report });
}

/** The message of the failure. */
async function refusal(urls: Urls): Promise<string> {
  const opened = await open(urls).catch((error: Error) => error);
  if (opened instanceof Error) return opened.message;
  await opened.close();
  throw new Error('the servers were taken');
}

const withPort = (url: string, port: number) => Object.assign(new URL(url), { port }).href;
const swap = (url: string, protocol: string) => url.replace(/^\w+:/, protocol);

describe('given servers', () => {
  test('are taken, with their versions, settings and where they were named', async () => {
    const lines: string[] = [];
    const services = await open({}, line => lines.push(line));
    await services.close();
    expect(services.postgres).toMatchObject({ product: 'PostgreSQL', origin: 'DATABASE_URL' });
    expect(services.postgres.version).toMatch(/^\d+\.\d+$/);
    expect(Object.keys(services.postgres.settings)).toEqual([
      'fsync',
      'full_page_writes',
      'synchronous_commit',
    ]);
    expect(services.redis).toMatchObject({ origin: 'REDIS_URL', url: testServers().redisUrl });
    expect(services.redis.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(services.redisNodes.map(({ origin }) => origin)).toEqual(Array(3).fill('REDIS_NODES'));
    expect(lines).toHaveLength(5);
  });

  test('are not ended with the run', async () => {
    await (await open({})).close();
    const client = new pg.Client({ connectionString: testServers().postgresUrl });
    await client.connect();
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  test('are reported without their passwords', async () => {
    const lines: string[] = [];
    await (await open({}, line => lines.push(line))).close();
    const { postgresUrl, redisUrl, redisNodeUrls } = testServers();
    const passwords = [postgresUrl, redisUrl, ...redisNodeUrls].map(url => new URL(url).password);
    expect(passwords.filter(word => word === '' || lines.join().includes(word))).toEqual([]);
  });
});

describe.concurrent('a DATABASE_URL is refused, with what to do, when', () => {
  test('nobody listens there', async () => {
    const port = await freePort();
    const message = await refusal({ databaseUrl: `postgres://someone@127.0.0.1:${port}/x` });
    expect(message).toContain(`DATABASE_URL (127.0.0.1:${port}) cannot be used`);
    expect(message).toContain('ECONNREFUSED');
    expect(message).toContain('unset DATABASE_URL to start one locally');
  });

  test('nobody answers there', async () => {
    const databaseUrl = withPort(testServers().postgresUrl, silentPort());
    expect(await refusal({ databaseUrl })).toMatch(/cannot be used: .*timeout/);
  });

  test('a Redis answers there', async () => {
    const databaseUrl = swap(testServers().redisUrl, 'postgres:');
    expect(await refusal({ databaseUrl })).toMatch(/DATABASE_URL .* cannot be used/);
  });

  test('the password is wrong, which is not told', async () => {
    const databaseUrl = Object.assign(new URL(testServers().postgresUrl), {
      password: 'wr0ng',
    }).href;
    const message = await refusal({ databaseUrl });
    expect(message).toContain('password authentication failed');
    expect(message).not.toContain('wr0ng');
  });

  test('it is no URL of Postgres', async () => {
    expect(await refusal({ databaseUrl: 'localhost' })).toMatch(/DATABASE_URL must be a URL/);
    const escaped = await refusal({ databaseUrl: 'postgres://u:s3cret%ff@h/d' });
    expect(escaped).toMatch(/% in it written as %25/);
    expect(escaped).not.toContain('s3cret');
    expect(await refusal({ databaseUrl: 'mysql://u:s3cret@h/d' })).not.toContain('s3cret');
  });

  test.each([
    ['PostgreSQL 18.4 on x86_64', '180004', false, undefined],
    ['PostgreSQL 14.0 on x86_64', '140000', false, undefined],
    ['PostgreSQL 13.22 on x86_64', '130022', false, 'it is too old: PostgreSQL 13.22 on x86_64'],
    ['PostgreSQL 18.4 on x86_64', '180004', true, 'it is a read-only standby'],
    ['CockroachDB CCL v24.1.0', '130000', false, 'it is not PostgreSQL'],
  ])('%s (%s, standby: %s) answers', (product, number, standby, complaint) => {
    expect(unusableReason({ product, number, standby })).toBe(complaint);
  });
});

describe.concurrent('a REDIS_URL or REDIS_NODES is refused, with what to do, when', () => {
  test('nobody listens there', async () => {
    const port = await freePort();
    const message = await refusal({ redisUrl: `redis://127.0.0.1:${port}` });
    expect(message).toContain(`REDIS_URL (127.0.0.1:${port}) cannot be used`);
    expect(message).toContain('ECONNREFUSED');
    expect(message).toContain('unset REDIS_URL to start one locally');
  });

  test('nobody answers there', async () => {
    const redisUrl = withPort(testServers().redisUrl, silentPort());
    expect(await refusal({ redisUrl })).toMatch(/REDIS_URL .* cannot be used: .*time/i);
  });

  test('a Postgres answers there', async () => {
    const redisUrl = swap(testServers().postgresUrl, 'redis:');
    expect(await refusal({ redisUrl })).toMatch(/REDIS_URL .* cannot be used/);
  });

  test('one of several nodes is not there', async () => {
    const port = await freePort();
    const redisNodeUrls = [testServers().redisUrl, `redis://127.0.0.1:${port}`];
    expect(await refusal({ redisNodeUrls })).toContain(`REDIS_NODES (127.0.0.1:${port})`);
  });

  test('the DATABASE_URL is wrong too, and both are told at once', async () => {
    const message = await refusal({ databaseUrl: 'localhost', redisUrl: 'localhost' });
    expect(message).toContain('DATABASE_URL must be a URL');
    expect(message).toContain('REDIS_URL must be a URL');
  });

  test('the password is missing', async () => {
    const redisUrl = Object.assign(new URL(testServers().redisUrl), { password: '' }).href;
    expect(await refusal({ redisUrl })).toMatch(/NOAUTH/);
  });

  test('it is no URL of Redis', async () => {
    expect(await refusal({ redisUrl: 'http://x:s3cret@h' })).toMatch(/REDIS_URL must be a URL/);
    expect(await refusal({ redisUrl: 'redis://:100%@h' })).toMatch(/% in it written as %25/);
  });

  test.each([
    ['Redis', '7.0.15', true],
    ['Redis', '6.2.0', true],
    ['Redis', '6.0.16', false],
    ['Redis', '5.9.9', false],
    ['Redis', '10.0.0', true],
    ['Valkey', '8.1.1', true],
  ] as const)('%s %s answers: new enough is %s', (product, version, enough) => {
    expect(isNewEnough(product, version)).toBe(enough);
  });
});
