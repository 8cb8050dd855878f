import { fileURLToPath } from 'node:url';
import { type Race, race } from '../../../src/explore/race.ts';

const cwd = fileURLToPath(new URL('.', import.meta.url));
type Command = [string, ...string[]];

/** A file of SQL as a shell job runs it. */
export function job(file: string) {
  const options = ['--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1'];
  return { command: ['psql', ...options, '--file', file] as Command, cwd };
}

/** The payout job started while its last run is still at work: is an invoice paid twice? */
const config: Race = race({
  title: 'two runs of the payout job',
  setup: `
    create table invoice (id int primary key, cents int not null, paid_at timestamptz);
    create table payment (id serial primary key, invoice_id int not null, cents int not null);
    insert into invoice values (1, 2500, null)`,
  audit: 'select invoice_id, count(*) from payment group by invoice_id having count(*) > 1',
  preemptions: 1,
  actors: { 'first run': job('pay-due.sql'), 'second run': job('pay-due.sql') },
});
export default config;
