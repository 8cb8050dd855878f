/** The database of a run, beyond its schema: whose it is, and what its ids look like. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** The role of the service: limits that the superuser does not know hold for it. */
export const serviceRole = 'lockstep_service';

/** Hands the database to a role that may do nothing else; returns its URL. */
export async function ordinaryOwner(databaseUrl: string): Promise<string> {
  const url = new URL(databaseUrl);
  const password = randomBytes(18).toString('hex');
  await asOwner(databaseUrl, `create role ${serviceRole} login password '${password}'`, []);
  const name = url.pathname.slice(1);
  await asOwner(databaseUrl, `alter database ${name} owner to ${serviceRole}`, []);
  url.username = serviceRole;
  url.password = password;
  return url.href;
}

/**
 * Lets every sequence go on at ten digits and a place of its own: then an id is found in the bytes of a
 * message, and is never part of something else.
 */
export async function spreadIds(databaseUrl: string): Promise<void> {
  await asOwner(
    databaseUrl,
    `select setval(format('%I.%I', schemaname, sequencename)::regclass,
       7310000017 + 100000000 * row_number() over (order by sequencename))
     from pg_sequences where max_value > 1000000000000`,
    [],
  );
}

/** One statement over a connection of its own. */
export async function asOwner(
  url: string,
  text: string,
  values: readonly string[],
): Promise<unknown> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {}); // the query reports it
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end().catch(() => {});
  }
}
