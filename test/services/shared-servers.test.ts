import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { freshDatabase } from '../database.ts';
import { testServers } from '../servers.ts';

const database = await freshDatabase();

async function rows(url: string, text: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

const databasesNamed = (name: string) =>
  rows(testServers().postgresUrl, 'select datname from pg_database where datname = $1', [name]);

describe('the servers that a test run shares', () => {
  test('a fresh database is empty and of its own', async () => {
    const tables = `select relname from pg_class join pg_namespace n on n.oid = relnamespace
                     where nspname = 'public'`;
    expect(await rows(database.url, tables)).toEqual([]);
    expect(database.url).not.toBe(testServers().postgresUrl);
  });

  test('a copy has the tables of its template, and goes when it is dropped', async () => {
    const template = await freshDatabase('template0', 'caller drops');
    await rows(template.url, 'create table booking (id bigint)');
    const copy = await freshDatabase(template.name, 'caller drops');
    expect(await rows(copy.url, 'select count(*)::int from booking')).toEqual([{ count: 0 }]);
    await copy.drop();
    await template.drop();
    expect(await databasesNamed(copy.name)).toEqual([]);
  });

  test('two copies of one template can be made at once', async () => {
    const template = await freshDatabase('template0', 'caller drops');
    const copies = await Promise.all(
      [1, 2, 3].map(() => freshDatabase(template.name, 'caller drops')),
    );
    const found = await Promise.all(copies.map(({ name }) => databasesNamed(name)));
    expect(found.map(list => list.length)).toEqual([1, 1, 1]);
    await Promise.all([template, ...copies].map(made => made.drop()));
  });

  test('a database that is still in use can be dropped', async () => {
    const used = await freshDatabase('template0', 'caller drops');
    const client = new pg.Client({ connectionString: used.url });
    client.on('error', () => {}); // its connection is ended by the drop
    await client.connect();
    await used.drop();
    expect(await databasesNamed(used.name)).toEqual([]);
    await client.end().catch(() => {});
  });

  test('the Redis nodes are independent', async () => {
    const { redisUrl, redisNodeUrls } = testServers();
    const clients = [redisUrl, ...redisNodeUrls].map(url => new Redis(url));
    try {
      await clients[0]?.set('services-test', 'here', 'PX', 10_000);
      const values = await Promise.all(clients.map(client => client.get('services-test')));
      expect(values).toEqual(['here', null, null, null]);
      await clients[0]?.del('services-test');
    } finally {
      for (const client of clients) client.disconnect();
    }
  });
});
