import { type Load, sql } from '../../contract/index.ts';
import type { Contention } from '../calls.ts';
import { tapped } from '../taps.ts';
import { balanceCents, calls } from './calls.ts';

const seed = sql<{ wallet_id: string; cards: readonly string[] }>`
  with made as (
    insert into wallets select from unnest($1::integer[]) returning id
  ), planned as (
    select id, cents
    from (select id, row_number() over (order by id) as place from made) as made
    join unnest($1::integer[]) with ordinality as balance (cents, place) using (place)
  ), filled as (
    insert into wallet_cards (wallet_id, initial_cents, balance_cents)
    select id, cents, cents from planned, generate_series(1, 2)
    returning id, wallet_id
  )
  select wallet_id, array_agg(id::text order by id) as cards
  from filled group by wallet_id order by wallet_id`;

/** New wallets with two cards, either of which pays; some rivals tap twice. */
export const load: Load = async (plan, query) => {
  const { rounds, rivals } = plan;
  const contended = Array.from({ length: rounds }, (_, round): Contention => {
    const kind = plan.kind ?? calls.kindOf(round, rivals);
    return { kind, rivals, calls: 2 * rivals };
  });
  const made = await query(seed, [contended.map(balanceCents).map(String)]);
  return contended.map((contention, round) => {
    const { wallet_id: id = '', cards = [] } = made[round] ?? {};
    const ids = plan.random() < 0.5 ? cards : cards.toReversed();
    const sent = tapped(plan, rival => calls.call({ id, ids }, rival, contention));
    const capacity = calls.capacity({ ...contention, calls: sent.length });
    return { key: id, capacity, calls: sent };
  });
};
