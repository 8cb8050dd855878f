import pg from 'pg';

/** What a scenario brings: SQL that may run again. */
export interface Schema {
  readonly name: string;
  readonly schemaSql: string;
}

const connectTimeoutMs = 2_000;
const migrateTimeoutMs = 30_000;

/** Creates what is missing. Several processes may start at once: they take turns at an advisory lock. */
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
    for (const { schemaSql } of schemas) await client.query(schemaSql);
    await client.query('commit');
  } finally {
    await client.end();
  }
}
