/** Foreign keys: an insert that references a locked row has to lock that row too, in the weakest mode. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { pointsOf } from '../lab/statistics.ts';
import { type Entry, type OpenContest, perSecond } from './contest.ts';

const cardId = 1;
const holdMs = 5;
const callers = 4;
const insert = {
  name: 'refer',
  text: `insert into gift_card_debits (card_id, amount_cents, command_id) values ($1, 1, $2)`,
};

/** The p99 of inserts that reference a row which is repeatedly locked for 5 ms. */
export function referencesContest(databaseUrl: string): OpenContest {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: callers + 1 });
  pool.on('error', () => {}).on('connect', client => client.on('error', () => {})); // the query reports it
  const refer = async (): Promise<number> => {
    const startMs = performance.now();
    await pool.query({ ...insert, values: [cardId, randomUUID()] });
    return performance.now() - startMs;
  };
  const beside = (name: string, lock: string | undefined): Entry => ({
    name,
    async measure(seconds) {
      const over = new AbortController();
      const took: number[] = [];
      await Promise.all([
        lock === undefined ? undefined : hold(pool, lock, over.signal),
        perSecond(callers, seconds, async () => took.push(await refer())).finally(() =>
          over.abort(),
        ),
      ]);
      return pointsOf(took)?.p99 ?? Number.NaN;
    },
  });
  const none = 'nobody locks the row';
  return {
    title: 'Inserts that refer to a row which is locked for 5 ms again and again, 4 in flight',
    unit: 'ms, p99',
    baseline: none,
    entries: [
      beside(none, undefined),
      beside('FOR NO KEY UPDATE', 'for no key update'),
      beside('FOR UPDATE', 'for update'),
    ],
    targets: [{ of: 'FOR UPDATE', against: 'FOR NO KEY UPDATE', atLeast: 2 }],
    notes: [
      'A foreign key takes FOR KEY SHARE on the row that it references. FOR UPDATE makes it wait; FOR NO KEY UPDATE, which row-lock uses, does not.',
    ],
    close: () => pool.end(),
  };
}

async function hold(pool: pg.Pool, lock: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const client = await pool.connect();
    await client.query('begin');
    await client.query(`select from gift_cards where id = $1 ${lock}`, [cardId]);
    await pause(holdMs);
    await client.query('commit');
    client.release();
    await pause(1);
  }
}
