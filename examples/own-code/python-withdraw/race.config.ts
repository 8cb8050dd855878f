import { fileURLToPath } from 'node:url';
import { type Race, race } from '../../../src/explore/race.ts';

/** A script run by the Python that has psycopg: $PYTHON, or python3. */
export function script(name: string) {
  const file = fileURLToPath(new URL(name, import.meta.url));
  return { command: [process.env.PYTHON ?? 'python3', file] as [string, string] };
}

/** Two withdrawals that together are more than the account holds: are both paid out? */
const config: Race = race({
  title: 'two withdrawals of 80 from an account of 100',
  setup: `
    create table account (id int primary key, cents int not null);
    create table withdrawal (id serial primary key, cents int not null);
    insert into account values (1, 100)`,
  audit: 'select sum(cents)::int as paid from withdrawal having sum(cents) > 100',
  preemptions: 1,
  actors: { 'first run': script('withdraw.py'), 'second run': script('withdraw.py') },
});
export default config;
