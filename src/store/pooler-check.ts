import pg from 'pg';
import { clientAt, startupOptions } from './connection.ts';

const connectMaxMs = 2_000;
const probeMs = 4_321; // a lock_timeout that nobody has by default
const protocolViolation = '08P01';

/**
 * Whether a connection of ours would lead to a pooler that shares server connections: it refuses
 * settings at connect, as PgBouncer does, or drops them. Behind one that keeps them, settings are safe.
 * False where nobody answers: whoever asks next is told why.
 */
export async function isPooled(databaseUrl: string): Promise<boolean> {
  const client = new (clientAt(databaseUrl))({
    connectionTimeoutMillis: connectMaxMs,
    query_timeout: connectMaxMs,
    options: startupOptions(probeMs),
  });
  client.on('error', () => {}); // the query reports it
  try {
    await client.connect();
    const { rows } = await client.query<{ kept: boolean }>(
      "select setting::integer = $1 as kept from pg_settings where name = 'lock_timeout'",
      [probeMs],
    );
    return rows[0]?.kept === false;
  } catch (error) {
    return error instanceof pg.DatabaseError && error.code === protocolViolation;
  } finally {
    await client.end().catch(() => {});
  }
}
