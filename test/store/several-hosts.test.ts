import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectDefaultMs } from '../../src/store/connection.ts';
import { createPool, PostgresStore } from '../../src/store/postgres.ts';
import { SequelizeStore } from '../../src/store/sequelize.ts';
import { until } from '../fixtures/gate.ts';
import { ownPostgres } from '../http/own-postgres.ts';

/** Two servers, of which one takes writes at a time. */
const [one, other] = await Promise.all([ownPostgres(), ownPostgres()]);
const portOf = (server: { readonly url: string }): number => Number(new URL(server.url).port);
const password = new URL(one.url).password;
const url =
  `postgres://postgres:${password}@127.0.0.1:${portOf(one)},127.0.0.1:${portOf(other)}/postgres` +
  '?target_session_attrs=read-write';

/** As their own administrator, with both passwords that it may have. */
async function onServer(
  server: { readonly url: string },
  statement: string,
): Promise<readonly unknown[]> {
  const same = Object.assign(new URL(server.url), { password }).href;
  for (const connectionString of [server.url, same]) {
    const client = new pg.Client({ connectionString });
    client.on('error', () => {});
    try {
      await client.connect();
      return (await client.query(statement)).rows;
    } catch (error) {
      if (connectionString === same) throw error;
    } finally {
      await client.end().catch(() => {});
    }
  }
  return [];
}

/** Returns when all its sessions have been told, which is before the next one begins. */
async function readOnly(server: { readonly url: string }, on: boolean): Promise<void> {
  const value = on ? 'on' : 'off';
  await onServer(server, `alter system set default_transaction_read_only = ${value}`);
  await onServer(server, 'select pg_reload_conf()');
  await until('the setting is read', async () => {
    const [row] = await onServer(server, 'show default_transaction_read_only');
    return JSON.stringify(row).includes(`"${value}"`);
  });
}

const options = {
  url,
  connectionsMax: 2,
  lockTimeoutMs: 5_000,
  connectTimeoutMs: 20 * connectDefaultMs,
};
const stores = [
  { name: 'node-postgres', store: new PostgresStore(options) },
  { name: 'Sequelize', store: new SequelizeStore(options) },
] as const;
const locks = createPool({ ...options, applicationName: 'lockstep locks' });

beforeAll(async () => {
  await onServer(other, `alter user postgres password '${password}'`);
  await readOnly(other, true);
});
afterAll(async () => {
  await Promise.all([...stores.map(({ store }) => store.close()), locks.end()]);
});

type AnyStore = (typeof stores)[number]['store'];

/** Where a transaction of the store writes. */
function place(store: AnyStore): Promise<number> {
  return store.transact(async query => {
    await query({ text: 'create temporary table if not exists written (n integer)' }, []);
    const [row] = await query<{ port: string }>(
      { text: "select current_setting('port') as port" },
      [],
    );
    return Number(row?.port);
  });
}

const placeOrNone = (store: AnyStore): Promise<number> => place(store).catch(() => 0);

describe('several hosts of which one takes writes', () => {
  test('every connection leads to that one, wherever it stands', async () => {
    for (const { store } of stores) expect(await place(store)).toBe(portOf(one));
    await readOnly(one, true);
    await readOnly(other, false);
    for (const { name, store } of stores)
      await until(
        `${name} has gone over`,
        async () => (await placeOrNone(store)) === portOf(other),
      );
    await readOnly(other, true);
    await readOnly(one, false);
    for (const { name, store } of stores)
      await until(`${name} has come back`, async () => (await placeOrNone(store)) === portOf(one));
  });

  test('a session lock at a server that takes no writes any more is not granted', async () => {
    const client = await locks.connect();
    const lost = new Promise(resolve => client.once('error', resolve));
    await client.query('select pg_advisory_lock(1)');
    await readOnly(one, true);
    // the lock is there for the asking: a server grants it whether it takes writes or not
    const asked = client.query('select pg_advisory_lock(2)');
    await expect(asked).rejects.toThrow('takes no writes');
    await lost;
    client.release(true);
    await readOnly(one, false);
  });

  test('a transaction that was begun before ends with the word of its server', async () => {
    const client = await locks.connect();
    await client.query('create table if not exists kept (n integer)');
    await client.query('begin');
    await client.query('insert into kept values (1)');
    const closed = new Promise(resolve => client.once('end', resolve));
    await readOnly(one, true);
    await expect(client.query('commit')).resolves.toMatchObject({ command: 'COMMIT' });
    await closed;
    client.release(true);
    await readOnly(one, false);
  });

  test('while none takes writes, the answer says what each said', async () => {
    await readOnly(one, true);
    for (const { store } of stores)
      await until('it fails', async () => (await placeOrNone(store)) === 0);
    let told: unknown;
    await until('it says why', async () => {
      told = await stores[0].store.transact(async () => {}).catch(failed => failed);
      return /is read-only; .* is read-only/.test(String(Reflect.get(Object(told), 'cause')));
    });
    expect(told).toMatchObject({
      code: 'postgres-unavailable',
      cause: {
        message: expect.stringMatching(/^no host takes writes: 127.0.0.1:\d+ is read-only; /),
      },
    });
    await readOnly(one, false);
    for (const { store } of stores)
      await until('it is back', async () => (await placeOrNone(store)) === portOf(one));
  });

  test('when that one is killed and the other takes over, it goes on there', async () => {
    await one.kill();
    for (const { store } of stores)
      await until('it fails', async () => (await placeOrNone(store)) === 0);
    await readOnly(other, false);
    for (const { name, store } of stores)
      await until(
        `${name} has gone over`,
        async () => (await placeOrNone(store)) === portOf(other),
      );
  });
});
