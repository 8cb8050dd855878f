/** A database for one run: the judge counts every row in it, so nobody else may write there. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

const adminMs = 10_000;

export interface RunDatabase {
  readonly url: string;
  /** Ends connections to it and removes it. Best effort, at most 10 s. */
  drop(): Promise<void>;
}

/** Creates a new database on the server of `serverUrl`. */
export async function createRunDatabase(serverUrl: string): Promise<RunDatabase> {
  const name = `lockstep_compare_${randomBytes(6).toString('hex')}`;
  await asAdmin(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => asAdmin(serverUrl, `drop database if exists ${name} with (force)`).catch(() => {}),
  };
}

const shown = ['fsync', 'full_page_writes', 'synchronous_commit', 'wal_sync_method'] as const;

/** Settings that decide what a COMMIT costs, as the server tells them for this database. */
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
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: adminMs,
  });
  client.on('error', () => {}); // told by the query that meets it
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}
