import { fileURLToPath } from 'node:url';
import { race } from '../../../src/explore/race.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const file = process.env.PAYOUT_SQL ?? 'pay-due.sql';
const job = {
  command: ['psql', '--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', '--file', file],
  cwd: folder,
} as const;

/** The payout job started while its last run is still at work: is an invoice paid twice? */
export default race({
  title: 'two runs of the payout job',
  setup: `
    create table invoice (id int primary key, cents int not null, paid_at timestamptz);
    create table payment (id serial primary key, invoice_id int not null, cents int not null);
    insert into invoice values (1, 2500, null)`,
  audit: 'select invoice_id, count(*) from payment group by invoice_id having count(*) > 1',
  actors: { 'first run': job, 'second run': job },
});
