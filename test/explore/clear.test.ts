import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { clear } from '../../src/explore/keeper/clear.ts';
import { RedisControl } from '../../src/explore/run/redis-control.ts';
import { mark } from '../../src/explore/run/redis-mark.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';

const [redis] = await ownRedisServers(1);
if (redis === undefined) throw new Error('one server was asked for');
const { admin, url } = redis;
const serverUrl = testServers().postgresUrl;

async function asked(url: string, ...texts: readonly string[]): Promise<unknown[][]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    let rows: unknown[][] = [];
    for (const text of texts) ({ rows } = await client.query({ text, rowMode: 'array' }));
    return rows;
  } finally {
    await client.end();
  }
}

/** What a keeper does when its owner was killed. */
describe('of a killed exploration nothing is left', () => {
  const name = `explorer_${randomBytes(6).toString('hex')}`;
  const database = new URL(serverUrl);
  database.pathname = `/${name}`;

  test('at Postgres: neither sessions nor prepared transactions keep its database', async () => {
    await asked(serverUrl, `create database ${name}`);
    const session = new pg.Client(database.href);
    session.on('error', () => undefined); // it is to lose its connection
    await session.connect();
    const [[most]] = (await asked(database.href, 'show max_prepared_transactions')) as [[string]];
    if (most !== '0')
      await asked(database.href, 'begin', 'create table t ()', "prepare transaction 'it''s left'");
    await clear({ kind: 'databases', serverUrl, names: ['explorer_never_made', name] });
    expect(await asked(serverUrl, `select from pg_database where datname = '${name}'`)).toEqual([]);
    await session.end().catch(() => undefined);
  });

  test('at Redis', async () => {
    const control = await RedisControl.open(url);
    await mark(control);
    control.close();
    await admin.set('left', '1');
    await admin.script('LOAD', 'return 1');
    await clear({ kind: 'redis', url });
    expect(await admin.dbsize()).toBe(0);
    expect(await admin.call('function', 'list')).toEqual([]);
    expect(await admin.script('EXISTS', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db')).toEqual([0]);
  });
});
