import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { RedisControl } from '../run/redis-control.ts';
import { unmark } from '../run/redis-mark.ts';
import type { Owned } from './owned.ts';

/** The server may still be ending the sessions of a killed process. */
const triesMax = 10;
const tryMs = 300;
const statementMs = 5_000;

/** Removes what an exploration has left at a server. Rejects when the server refuses. */
export async function clear(what: Owned): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      if (what.kind === 'databases') await dropDatabases(what.serverUrl, what.names);
      else if (what.kind === 'redis') await empty(what.url);
      return;
    } catch (error) {
      if (tries >= triesMax) throw error;
      await delay(tryMs);
    }
  }
}

async function dropDatabases(serverUrl: string, names: readonly string[]): Promise<void> {
  await connected(serverUrl, async client => {
    for (const name of names) {
      const { rows } = await client.query('select from pg_database where datname = $1', [name]);
      if (rows.length === 0) continue;
      await rollbackPrepared(serverUrl, name);
      await client.query(`drop database if exists ${name} with (force)`);
    }
  });
}

/** Prepared transactions outlive their sessions, and `with (force)` does not end them. */
async function rollbackPrepared(serverUrl: string, name: string): Promise<void> {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await connected(url.href, async client => {
    const { rows } = await client.query<{ text: string }>(`
      select format('rollback prepared %L', gid) as text
      from pg_prepared_xacts where database = current_database()`);
    for (const { text } of rows) await client.query(text);
  });
}

async function connected(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'explorer',
    statement_timeout: statementMs,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function empty(url: string): Promise<void> {
  const redis = await RedisControl.open(url);
  try {
    await unmark(redis);
  } finally {
    redis.close();
  }
}
