import { createHash } from 'node:crypto';
import pg from 'pg';
import { errorMessage } from '../error-message.ts';
import { MigrationRecord } from './migration-record.ts';

/** What a scenario, or a room, brings: SQL that creates what it needs. */
export interface Schema {
  readonly name: string;
  readonly schemaSql: string;
  /** What changes it later, in the order of application; each file is applied once. */
  readonly migrations?: readonly SqlFile[];
}

export interface SqlFile {
  /** As people find it: `appointment/migrations/0001-add-a-column.sql`. */
  readonly name: string;
  readonly sql: string;
}

/** The schema cannot be brought up to date; the message says which file, why, and what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

const connectTimeoutMs = 2_000;
const migrateTimeoutMs = 30_000;

/**
 * Applies what has not been applied, through umzug, and records it with its hash. All of it is one
 * transaction on one connection behind a transaction-level advisory lock: several processes may start
 * at once, a file that fails leaves nothing behind, and a pooler in transaction mode may stand between.
 * So no file may hold what cannot run in a transaction (`create index concurrently`).
 * Throws `MigrationError` for a file that fails, or that was changed after it had been applied.
 */
export async function migrate(url: string, schemas: readonly Schema[]): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: migrateTimeoutMs,
  });
  client.on('error', () => {}); // told by the query that meets it
  await client.connect();
  try {
    await client.query('begin isolation level read committed');
    await client.query("select pg_advisory_xact_lock(hashtextextended('lockstep migrate', 0))");
    await applyPending(client, schemas.flatMap(filesOf));
    await client.query('commit');
  } finally {
    await client.end(); // without a COMMIT before it, nothing has happened
  }
}

async function applyPending(client: pg.Client, files: readonly SqlFile[]): Promise<void> {
  const hashes = new Map(files.map(({ name, sql }) => [name, hashOf(sql)]));
  const storage = await MigrationRecord.open(client, hashes);
  const changed = storage.changed();
  if (changed.length > 0) throw new MigrationError(changed.map(advice).join(' '));
  // it brings a whole command line along, which the processes that serve never need
  const { Umzug } = await import('umzug');
  const umzug = new Umzug({
    migrations: files.map(file => ({ name: file.name, up: () => apply(client, file) })),
    context: client,
    storage,
    logger: undefined,
  });
  await umzug.up().catch((error: unknown) => {
    // umzug wraps what a file threw in words of its own
    throw error instanceof Error && error.cause instanceof MigrationError ? error.cause : error;
  });
}

async function apply(client: pg.Client, { name, sql }: SqlFile): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    const why = errorMessage(error);
    throw new MigrationError(`${name} cannot be applied: ${why}. Nothing was changed.`, {
      cause: error,
    });
  }
}

function filesOf({ name, schemaSql, migrations = [] }: Schema): readonly SqlFile[] {
  return [{ name: `${name}/schema.sql`, sql: schemaSql }, ...migrations];
}

function advice(name: string): string {
  const folder = name.slice(0, name.indexOf('/'));
  return (
    `${name} has changed since it was applied to this database. Put it back as it was, and write ` +
    `the change as a new file ${folder}/migrations/NNNN-what-it-does.sql; a database that holds ` +
    'nothing of worth may be made anew instead.'
  );
}

/** Line ends do not count: a checkout may change them. */
function hashOf(sql: string): string {
  return createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex');
}
