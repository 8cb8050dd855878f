/** A database for one run: the judge counts every row in it, so no other run may write there. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

const adminMs = 10_000;

export interface RunDatabase {
  readonly url: string;
  /** Terminates connections to it and drops it. Best effort, at most 10 s. */
  drop(): Promise<void>;
  /** Closes the owner's connection and leaves the database to its server. */
  release(): Promise<void>;
}

const prefix = 'lockstep_compare';
/** A run may not have connected yet to a database that it has just created. */
const youngMs = 60_000;

/**
 * Creates a new database on the server of `serverUrl`; the name contains the time. One connection, the
 * owner's, stays open until the end: a database in use cannot be dropped.
 */
export async function createRunDatabase(serverUrl: string): Promise<RunDatabase> {
  const name = `${prefix}_${Date.now().toString(36)}_${randomBytes(6).toString('hex')}`;
  await asAdmin(serverUrl, `create database ${name}`);
  const url = databaseOn(serverUrl, name);
  const owner = await opened(url);
  const release = (): Promise<void> => owner.end().catch(() => {});
  return {
    url,
    release,
    async drop() {
      await release();
      await asAdmin(serverUrl, `drop database if exists ${name} with (force)`).catch(() => {});
    },
  };
}

function databaseOn(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/**
 * Drops databases left by runs that were killed, and returns their names. Never one in use: without
 * FORCE, Postgres refuses to drop a database with connections, and its owner keeps one. Databases that
 * may not be dropped stay.
 */
export async function sweepRunDatabases(
  serverUrl: string,
  nowMs: number = Date.now(),
): Promise<readonly string[]> {
  const removed: string[] = [];
  await connected(serverUrl, async client => {
    const { rows } = await client.query<{ name: string }>(
      `select datname as name from pg_database where datname ~ '^${prefix}_[0-9a-z]+_[0-9a-f]{12}$'`,
    );
    for (const { name } of rows) {
      const madeMs = Number.parseInt(name.split('_')[2] ?? '', 36);
      if (nowMs - madeMs < youngMs) continue;
      const done = await client.query(`drop database if exists ${name}`).then(
        () => true,
        () => false, // in use, or owned by another role
      );
      if (done) removed.push(name);
    }
  });
  return removed;
}

const shown = ['fsync', 'full_page_writes', 'synchronous_commit', 'wal_sync_method'] as const;

/** Settings that determine the cost of a COMMIT, as the server reports them for this database. */
export async function durabilityOf(url: string): Promise<Record<string, string>> {
  const settings: Record<string, string> = {};
  await connected(url, async client => {
    for (const name of shown) {
      const { rows } = await client.query<Record<string, string>>(`show ${name}`);
      settings[name] = rows[0]?.[name] ?? '';
    }
  });
  return settings;
}

function asAdmin(url: string, text: string): Promise<void> {
  return connected(url, async client => {
    await client.query(text);
  });
}

async function connected(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = await opened(url);
  try {
    await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

async function opened(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: adminMs,
    application_name: 'lockstep compare',
  });
  client.on('error', () => {}); // the next query reports it
  await client.connect();
  return client;
}
