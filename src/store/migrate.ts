import { createHash } from 'node:crypto';
import type pg from 'pg';
import { errorMessage } from '../error-message.ts';
import { clientAt } from './connection.ts';
import { MigrationRecord } from './migration-record.ts';

/** The tables of a scenario or a module, as SQL. */
export interface Schema {
  readonly name: string;
  readonly schemaSql: string;
  /** Later changes, in order; each file is applied once. */
  readonly migrations?: readonly SqlFile[];
}

export interface SqlFile {
  /** Path for messages: `appointment/migrations/0001-add-a-column.sql`. */
  readonly name: string;
  readonly sql: string;
}

/** The schema cannot be migrated; the message says which file, why, and what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

const connectTimeoutMs = 2_000;
const migrateTimeoutMs = 30_000;

/**
 * Applies pending files through umzug and records each with its hash. Everything runs in one
 * transaction under a transaction-level advisory lock: several processes may start at once, a
 * failing file leaves nothing behind, and it works behind a pooler in transaction mode. So files
 * must not contain statements that cannot run in a transaction (`create index concurrently`).
 * Throws `MigrationError` for a file that fails, or that has changed since it was applied, and for a
 * database that is read-only.
 */
export async function migrate(url: string, schemas: readonly Schema[]): Promise<void> {
  const client = new (clientAt(url))({
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: migrateTimeoutMs,
  });
  client.on('error', () => {}); // the failing query reports it
  await client.connect();
  try {
    await client.query('begin isolation level read committed');
    await assertWritable(client);
    await client.query("select pg_advisory_xact_lock(hashtextextended('lockstep migrate', 0))");
    await applyPending(client, schemas.flatMap(filesOf));
    await client.query('commit');
  } finally {
    await client.end(); // without a preceding COMMIT this rolls back
  }
}

/** Asked even where nothing is pending: who serves on it could answer no command. */
async function assertWritable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ standby: boolean; read_only: boolean }>(
    `select pg_is_in_recovery() as standby,
            current_setting('transaction_read_only') = 'on' as read_only`,
  );
  if (rows[0]?.standby)
    throw new MigrationError(
      'it is a standby, which takes no changes; DATABASE_URL has to name the primary.',
    );
  if (rows[0]?.read_only)
    throw new MigrationError(
      'it is read-only; set default_transaction_read_only to off for this server, database and user, ' +
        'or let DATABASE_URL name one that can be written.',
    );
}

async function applyPending(client: pg.Client, files: readonly SqlFile[]): Promise<void> {
  const hashes = new Map(files.map(({ name, sql }) => [name, hashOf(sql)]));
  const storage = await MigrationRecord.open(client, hashes);
  const changed = storage.changed();
  if (changed.length > 0) throw new MigrationError(changed.map(advice).join(' '));
  // loaded on demand: it pulls in a command-line parser that serving processes never need
  const { Umzug } = await import('umzug');
  const umzug = new Umzug({
    migrations: files.map(file => ({ name: file.name, up: () => apply(client, file) })),
    context: client,
    storage,
    logger: undefined,
  });
  await umzug.up().catch((error: unknown) => {
    // umzug wraps the error of a file in its own
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
    `${name} has changed since it was applied to this database. Restore it, and put the change into a ` +
    `new file ${folder}/migrations/NNNN-what-it-does.sql; or recreate the database if it contains ` +
    'nothing of value.'
  );
}

/** Ignores line endings, which a checkout may change. */
function hashOf(sql: string): string {
  return createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex');
}
