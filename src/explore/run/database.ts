import { randomBytes } from 'node:crypto';
import pg from 'pg';

export interface OwnDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** The moment of its making stands in its name: that marks it as ours, and as left over. */
const ownName = /^explore_(\d{10})_[0-9a-f]{12}$/;
/** Between its making and the first session in it a database looks like one that was left. */
const leftSeconds = 60;
const sweptMax = 20;

/**
 * Makes an empty database beside the one that the URL names, so that nobody's rows are touched.
 * Removes what an explorer that was killed has left there.
 */
export async function createDatabase(serverUrl: string): Promise<OwnDatabase> {
  const seconds = Math.floor(Date.now() / 1_000);
  const name = `explore_${seconds}_${randomBytes(6).toString('hex')}`;
  await asAdmin(serverUrl, async client => {
    await sweep(client, seconds);
    await client.query(`create database ${name} template template0`);
    // its rows are worth nothing: a durable server need not write each COMMIT to disk
    await client.query(`alter database ${name} set synchronous_commit = off`);
  });
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () =>
      asAdmin(serverUrl, async client => {
        await client.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

/** Drops databases of ours in which nobody is any more: an explorer keeps a session in its own. */
async function sweep(client: pg.Client, nowSeconds: number): Promise<void> {
  const { rows } = await client.query<{ name: string }>(`
    select datname as name from pg_database d
    where datname like 'explore\\_%'
      and not exists (select from pg_stat_activity a where a.datid = d.oid)
    order by 1`);
  const left = rows.filter(({ name }) => {
    const made = Number(ownName.exec(name)?.[1] ?? Number.NaN);
    return nowSeconds - made > leftSeconds;
  });
  for (const { name } of left.slice(0, sweptMax)) {
    // Without force: Postgres refuses where somebody has come in since, or may not.
    await client.query(`drop database if exists ${name}`).catch(() => undefined);
  }
}

async function asAdmin(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
