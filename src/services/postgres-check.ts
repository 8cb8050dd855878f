import pg from 'pg';
import { errorMessage } from '../error-message.ts';
import { percentHint, storeUrl } from '../store-url.ts';
import { postgresOldest } from './postgres-binaries.ts';
import { atMost, type Server, ServerUnusable } from './server.ts';

const reachMs = 5_000;
const endMs = 500;

/** Version and settings, as reported by the server. */
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

/** The facts that decide whether a server can be used. */
export interface ServerRow {
  /** The result of version(): "PostgreSQL 18.4 on ..." */
  readonly product: string;
  /** server_version_num: "180004" */
  readonly number: string;
  readonly standby: boolean;
}

/** Why the server cannot be used; undefined if it can. */
export function unusableReason(row: ServerRow | undefined): string | undefined {
  if (!row?.product.startsWith('PostgreSQL')) return 'it is not PostgreSQL';
  if (Number(row.number) < postgresOldest * 10_000) return `it is too old: ${row.product}`;
  if (row.standby) return 'it is a read-only standby';
  return undefined;
}

/** Queries version and durability settings, within 5 s. */
export async function factsOf(url: string): Promise<Facts> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: reachMs,
    query_timeout: reachMs,
  });
  client.on('error', () => {}); // the query reports a broken connection
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
    const reason = unusableReason(row);
    if (row === undefined || reason !== undefined) throw new ServerUnusable(reason ?? '');
    const { fsync, full_page_writes, synchronous_commit } = row;
    const settings = { fsync, full_page_writes, synchronous_commit };
    return { version: row.version.split(' ')[0] ?? row.version, settings };
  } finally {
    await atMost(client.end(), endMs);
  }
}

/**
 * Checks the Postgres given by DATABASE_URL. Rejects with ServerUnusable within about 5 s if it
 * cannot be reached or is older than 14.
 */
export async function checkedPostgres(url: string): Promise<Server> {
  const { host } = parsed(url);
  const facts = await factsOf(url).catch(error => {
    throw new ServerUnusable(
      `DATABASE_URL (${host}) cannot be used: ${errorMessage(error)}. PostgreSQL ${postgresOldest} or ` +
        'newer is required; unset DATABASE_URL to start one locally.',
      error,
    );
  });
  return { kind: 'postgres', product: 'PostgreSQL', url, origin: 'DATABASE_URL', ...facts };
}

function parsed(text: string): URL {
  const url = storeUrl(text, ['postgres:', 'postgresql:']);
  if (url) return url;
  throw new ServerUnusable(
    `DATABASE_URL must be a URL of the form postgres://user:password@host/name, ${percentHint}`,
  );
}
