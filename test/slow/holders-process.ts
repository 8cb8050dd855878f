/**
 * Holds one row lock on each of three connections until it is killed, and says so: with the settings
 * of our pool, with bounds on a silent connection, and with neither.
 */
import pg from 'pg';
import { createPool } from '../../src/store/postgres.ts';

const [, , url = ''] = process.argv;

const pool = createPool({ url, connectionsMax: 1, lockTimeoutMs: 5_000 });
// keepalives alone do nothing while a reply is not acknowledged (seen: the lock was still held after
// 15 s where the cut came within 40 ms of a reply); tcp_user_timeout bounds that too
const silence = ['tcp_keepalives_idle=1', 'tcp_keepalives_interval=1', 'tcp_user_timeout=4000'];
const options = silence.map(setting => `-c ${setting}`).join(' ');
const kept = new pg.Client({ connectionString: url, options });
const bare = new pg.Client({ connectionString: url });
await Promise.all([kept.connect(), bare.connect()]);

const holders: readonly (readonly [row: number, client: pg.ClientBase])[] = [
  [1, await pool.connect()],
  [2, kept],
  [3, bare],
];
for (const [row, client] of holders) {
  client.on('error', () => {}); // the connection ends once the cable is back, or with this process
  await client.query('begin');
  await client.query('select id from held where id = $1 for no key update', [row]);
}
const shown = await holders[0]?.[1].query<{ ms: number }>(`
  select setting::integer as ms from pg_settings
  where name = 'idle_in_transaction_session_timeout'`);
process.stdout.write(`${JSON.stringify({ idleInTransactionMs: shown?.rows[0]?.ms })}\n`);
