import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import { race } from '../../../src/explore/race.ts';

const dir = fileURLToPath(new URL('migrations', import.meta.url));

/** What a service does when it starts: every pending migration. */
async function start({ pgUrl }: { readonly pgUrl: string }): Promise<number> {
  const quiet = { databaseUrl: pgUrl, dir, migrationsTable: 'pgmigrations', log: () => undefined };
  return (await runner({ ...quiet, direction: 'up' })).length;
}

export default race({
  title: 'two services start and migrate',
  setup: `
    create table pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);
    create table account (id int primary key, cents int not null);
    insert into account values (1, 1000)`,
  audit: 'select cents from account where cents <> 1100',
  actors: { 'first service': start, 'second service': start },
});

export const note =
  'It tries an advisory lock of its own; who does not get it is told so by an error.';
