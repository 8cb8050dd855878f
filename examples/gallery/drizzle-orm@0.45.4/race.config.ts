import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { type Race, race } from '../../../src/explore/race.ts';

const migrationsFolder = fileURLToPath(new URL('migrations', import.meta.url));

/** What a service does when it starts: every pending migration, after an optional first statement. */
export function starts(first?: string) {
  return async ({ pgUrl }: { readonly pgUrl: string }): Promise<void> => {
    const client = new pg.Client(pgUrl);
    await client.connect();
    if (first !== undefined) await client.query(first);
    await migrate(drizzle(client), { migrationsFolder }).finally(() => client.end());
  };
}

const config: Race = race({
  title: 'two services start and migrate',
  setup: `
    create schema drizzle;
    create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
    create table account (id int primary key, cents int not null);
    insert into account values (1, 1000)`,
  audit: 'select cents from account where cents <> 1100',
  actors: { 'first service': starts(), 'second service': starts() },
});
export default config;

export const note =
  'The migrator reads what has run before it begins its transaction. Its schema and table exist already.';
