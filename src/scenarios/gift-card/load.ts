import { type Load, type Round, type RoundsPlan, sql } from '../../contract/index.ts';

const seed = sql<{ id: string }>`
  with made as (
    insert into gift_cards (initial_cents, balance_cents, smallest_debit_cents)
    select $2::integer, $2::integer, $3::integer from generate_series(1, $1::integer)
    returning id
  )
  select id from made order by id`;

/**
 * New cards, each with enough for half of the rivals. The amounts of a round differ, so that two
 * lost updates cannot look like one, but only so little that any `capacity` of them fit and one
 * more never does, in any order.
 */
export const load: Load = async (plan, query) => {
  const { rounds, rivals } = plan;
  const capacity = Math.ceil(rivals / 2);
  const smallestCents = rivals * rivals; // more than the sum of all differences within a round
  const initialCents = capacity * (smallestCents + rivals - 1);
  const made = await query(seed, [rounds, initialCents, smallestCents]);
  return made.map(({ id }) => ({
    key: id,
    capacity,
    calls: Array.from({ length: rivals }, (_, rival) =>
      taps(id, smallestCents + rival, plan),
    ).flat(),
  }));
};

function taps(cardId: string, amountCents: number, plan: RoundsPlan): Round['calls'] {
  const path = `/gift-cards/${cardId}/debits`;
  const call = { path, body: { amountCents }, actor: String(amountCents) };
  return plan.random() < plan.doubleTapShare ? [call, call] : [call];
}
