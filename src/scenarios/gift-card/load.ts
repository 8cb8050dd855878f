import { type Load, sql } from '../../contract/index.ts';
import { tapped } from '../taps.ts';
import { calls, cardFor } from './calls.ts';

const seed = sql<{ id: string }>`
  with made as (
    insert into gift_cards (initial_cents, balance_cents, smallest_debit_cents)
    select $2::integer, $2::integer, $3::integer from generate_series(1, $1::integer)
    returning id
  )
  select id from made order by id`;

/** New cards, each with enough for half of the rivals, some of whom tap twice. */
export const load: Load = async (plan, query) => {
  const { rounds, rivals } = plan;
  const contention = { kind: 'plain', rivals, calls: 2 * rivals };
  const { initialCents, smallestDebitCents } = cardFor(contention);
  const made = await query(seed, [rounds, initialCents, smallestDebitCents]);
  return made.map(({ id }) => ({
    key: id,
    capacity: calls.capacity(contention),
    calls: tapped(plan, rival => calls.call({ id, ids: [] }, rival, contention)),
  }));
};
