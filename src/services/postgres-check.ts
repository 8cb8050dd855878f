import pg from 'pg';
import { errorMessage } from '../error-message.ts';
import { postgresOldest } from './postgres-binaries.ts';
import { atMost, type Server, ServerUnusable } from './server.ts';

const reachMs = 5_000;
const endMs = 500;

/** What a server says of itself. */
export interface Facts {
  readonly version: string;
  readonly settings: Readonly<Record<string, string>>;
}

interface Row extends ServerRow {
  readonly version: string;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
}

/** What decides whether a server can be used. */
export interface ServerRow {
  /** What version() says: "PostgreSQL 18.4 on ..." */
  readonly product: string;
  /** server_version_num: "180004" */
  readonly number: string;
  readonly standby: boolean;
}

/** Why the server cannot be used; undefined if it can. */
export function complaintAbout(row: ServerRow | undefined): string | undefined {
  if (!row?.product.startsWith('PostgreSQL')) return 'it is not PostgreSQL';
  if (Number(row.number) < postgresOldest * 10_000) return `it is too old: ${row.product}`;
  if (row.standby) return 'it is a standby, which only reads';
  return undefined;
}

/** Asks the server for its version and durability; all of it within 5 s. */
export async function factsOf(url: string): Promise<Facts> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: reachMs,
    query_timeout: reachMs,
  });
  client.on('error', () => {}); // what a broken connection means is told by the query
  try {
    await client.connect();
    const { rows } = await client.query<Row>(`
      select current_setting('server_version') as version,
             current_setting('server_version_num') as number,
             version() as product,
             pg_is_in_recovery() as standby,
             current_setting('fsync') as fsync,
             current_setting('full_page_writes') as full_page_writes,
             current_setting('synchronous_commit') as synchronous_commit`);
    const [row] = rows;
    const complaint = complaintAbout(row);
    if (row === undefined || complaint !== undefined) throw new ServerUnusable(complaint ?? '');
    const { fsync, full_page_writes, synchronous_commit } = row;
    const settings = { fsync, full_page_writes, synchronous_commit };
    return { version: row.version.split(' ')[0] ?? row.version, settings };
  } finally {
    await atMost(client.end(), endMs);
  }
}

/**
 * The Postgres that DATABASE_URL names. Rejects with ServerUnusable within about 5 s when it
 * cannot be reached or is older than 14.
 */
export async function checkedPostgres(url: string): Promise<Server> {
  const { host } = parsed(url);
  const facts = await factsOf(url).catch(error => {
    throw new ServerUnusable(
      `DATABASE_URL (${host}) cannot be used: ${errorMessage(error)}. PostgreSQL ${postgresOldest} or ` +
        'newer is needed there; without DATABASE_URL one is started here.',
      error,
    );
  });
  return { kind: 'postgres', product: 'PostgreSQL', url, origin: 'DATABASE_URL', ...facts };
}

function parsed(url: string): URL {
  try {
    const result = new URL(url);
    if (/^postgres(ql)?:$/.test(result.protocol)) return result;
  } catch {
    // told below, without the text, which may hold a password
  }
  throw new ServerUnusable('DATABASE_URL is no URL of the form postgres://user:password@host/name');
}
