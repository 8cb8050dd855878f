import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll } from 'vitest';
import { testServers } from './servers.ts';

/** A database of a test file's own. */
export interface FreshDatabase {
  readonly name: string;
  readonly url: string;
  /** Ends connections to it and removes it. Idempotent. */
  drop(): Promise<void>;
}

/** Another file may be copying the same template: then Postgres refuses, and we try again. */
const objectInUse = '55006';
const triesMax = 100;
const triesApartMs = 50;

async function asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: testServers().postgresUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(name: string): string {
  const url = new URL(testServers().postgresUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function create(client: pg.Client, name: string, template: string): Promise<void> {
  const from = client.escapeIdentifier(template);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(`create database ${client.escapeIdentifier(name)} template ${from}`);
      return;
    } catch (error) {
      const busy = error instanceof pg.DatabaseError && error.code === objectInUse;
      if (!busy || attempt >= triesMax) throw error;
      await delay(triesApartMs);
    }
  }
}

/**
 * Makes an empty database, or a copy of the one named `template`, to which nobody may be connected.
 * At the top level of a test file, or in `describe`, it is dropped after the tests by itself;
 * inside a hook or a test pass `'caller drops'` and call `drop`.
 */
export async function freshDatabase(
  template = 'template0',
  owner: 'file' | 'caller drops' = 'file',
): Promise<FreshDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin(client => create(client, name, template));
  let dropped: Promise<void> | undefined;
  const drop = () => {
    dropped ??= asAdmin(async client => {
      await client.query(`drop database ${client.escapeIdentifier(name)} with (force)`);
    });
    return dropped;
  };
  if (owner === 'file') afterAll(drop);
  return { name, url: urlOf(name), drop };
}
