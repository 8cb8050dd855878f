import pg from 'pg';

/** Transactions that clients of this database have open now; ours is not counted. */
export async function openTransactions(pgUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: pgUrl, application_name: 'lockstep' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ open: number }>(text);
    return rows[0]?.open ?? 0;
  } finally {
    await client.end();
  }
}

const text = `
  select count(*)::int as open from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend'
    and xact_start is not null and pid <> pg_backend_pid()`;
