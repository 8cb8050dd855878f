import { spawn } from 'node:child_process';
import pg from 'pg';
import { environmentOf } from '../explore/run/child-actor.ts';
import { createDatabase, type OwnDatabase } from '../explore/run/database.ts';
import { PostgresControl } from '../explore/run/postgres-control.ts';
import { runSetup } from '../explore/run/setup.ts';
import type { Start } from './record/recording.ts';
import { putKeys, readKeys } from './redis-keys.ts';
import type { RedisKey } from './subject.ts';

/** A larger database takes too long to be copied for each state. */
const bytesMax = 2 * 1024 ** 3;
const prepareMs = 600_000;
const outputCharactersMax = 4_000;

/** Servers of ours; databases are made on them, and the Redis ones are emptied. */
export interface ScanServers {
  readonly pgUrl: string;
  readonly redisUrls: readonly string[];
}

/** What the user named: only read, and copied. */
export interface StartSource {
  /** SQL for an empty database. */
  readonly setup?: string;
  /** A shell command that fills it: `npm run migrate`. */
  readonly prepare?: string;
  /** The database that is copied instead; on the server of `ScanServers.pgUrl`. */
  readonly databaseUrl?: string;
  /** A Redis that is copied. */
  readonly redisUrl?: string;
}

/** What every replay begins with. */
export interface OpenStart {
  readonly database: OwnDatabase;
  readonly redis: readonly RedisKey[];
  readonly start: Start;
}

/** Makes the database that all others are copied from; nobody stays connected to it. */
export async function openStart(servers: ScanServers, source: StartSource): Promise<OpenStart> {
  const redis = source.redisUrl === undefined ? [] : await readKeys([source.redisUrl]);
  await putKeys(servers.redisUrls, redis);
  if (source.databaseUrl !== undefined) return copied(source.databaseUrl, redis);
  const database = await createDatabase(servers.pgUrl);
  try {
    await hold(database);
    const { setup = '', prepare } = source;
    if (setup !== '') await runSql(database.url, setup);
    if (prepare !== undefined) await runPrepare(prepare, database.url, servers.redisUrls);
    const keys = prepare === undefined ? redis : await readKeys(servers.redisUrls);
    return {
      database,
      redis: keys,
      start: { kind: 'made', setup, prepare: prepare ?? null },
    };
  } catch (error) {
    await database.drop();
    throw error;
  }
}

/** An owner's session keeps other explorations from taking it for a leftover. */
export async function hold(database: OwnDatabase): Promise<OwnDatabase> {
  await database.query('select 1');
  return database;
}

async function copied(databaseUrl: string, redis: readonly RedisKey[]): Promise<OpenStart> {
  const name = decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
  await refuseLarge(databaseUrl, name);
  const database = await createDatabase(databaseUrl, name).catch((error: unknown) => {
    throw cannotCopy(error, name) ?? error;
  });
  try {
    await hold(database);
    const rows = await rowsOf(database.url);
    return { database, redis, start: { kind: 'copied', database: name, rows } };
  } catch (error) {
    await database.drop();
    throw error;
  }
}

function cannotCopy(error: unknown, name: string): Error | undefined {
  if (!(error instanceof pg.DatabaseError)) return undefined;
  if (error.code === '55006') {
    return new Error(
      `the database ${name} is in use, and Postgres copies none that is: stop the service and other ` +
        `clients of it for the moment of the copy (${error.detail ?? error.message})`,
      { cause: error },
    );
  }
  if (error.code !== '42501') return undefined;
  return new Error(
    `the role of the URL may not copy the database ${name}: it takes CREATEDB, and its owner ` +
      `(${error.message})`,
    { cause: error },
  );
}

async function refuseLarge(databaseUrl: string, name: string): Promise<void> {
  const [size] = await queried(databaseUrl, 'select pg_database_size(current_database()) as bytes');
  const bytes = Number(size?.bytes);
  if (bytes <= bytesMax) return;
  const gigabytes = (bytes / 1024 ** 3).toFixed(1);
  throw new Error(
    `the database ${name} holds ${gigabytes} GiB, and it is copied for each state: more than 2 GiB ` +
      'take too long. Name a smaller one, or make one with --setup and --prepare',
  );
}

/** How many rows each table has: tells whether a database has changed since a recording. */
export async function rowsOf(url: string): Promise<Record<string, number>> {
  const tables = await queried(
    url,
    `select format('%I.%I', n.nspname, c.relname) as name
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')
       and n.nspname not like 'pg_toast%' order by 1`,
  );
  const rows: Record<string, number> = {};
  for (const { name } of tables) {
    const [count] = await queried(url, `select count(*) as n from ${String(name)}`);
    rows[String(name)] = Number(count?.n);
  }
  return rows;
}

async function queried(
  url: string,
  text: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'lockstep' });
  client.on('error', () => undefined); // the query tells
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function runSql(url: string, text: string): Promise<void> {
  const control = new PostgresControl(url);
  await control.open();
  try {
    await runSetup(control, text);
  } finally {
    await control.close();
  }
}

/** Runs the user's command with our servers in its environment. */
async function runPrepare(
  command: string,
  pgUrl: string,
  redisUrls: readonly string[],
): Promise<void> {
  const urls = { pgUrl, redisUrl: redisUrls[0] ?? '', redisUrls, httpUrls: [] };
  let output = '';
  const child = spawn('sh', ['-c', command], {
    env: { ...process.env, ...environmentOf(urls) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: prepareMs,
  });
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-outputCharactersMax);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code === 0) return;
  throw new Error(`--prepare ended with ${code ?? 'a signal'}: ${output.trim()}`);
}
