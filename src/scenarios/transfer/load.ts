import { type Call, type Load, type Round, type RoundsPlan, sql } from '../../contract/index.ts';

/** Every tenth wallet has payments both ways; with unsorted locks each of these costs seconds. */
const bothWaysEvery = 10;
/** In these, every fourth rival pays back. */
const paysBackEvery = 4;

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

/**
 * New wallets with two cards. In most, all rivals pay in the same direction from a card with enough
 * for half of them, in any order; in the others some pay back, and there is enough for all. The
 * amounts of a round differ, and the total paid back is less than any single payment, so that lost
 * updates cannot cancel each other out.
 */
export const load: Load = async (plan, query) => {
  const { rounds, rivals } = plan;
  const smallestCents = 2 * rivals * rivals;
  const largestCents = smallestCents + rivals - 1;
  const scarce = Math.ceil(rivals / 2);
  const bothWays = Array.from({ length: rounds }, (_, round) =>
    plan.kind === undefined
      ? round % bothWaysEvery === bothWaysEvery - 1
      : plan.kind === 'opposite',
  );
  const balances = bothWays.map(both => (both ? 2 * rivals : scarce) * largestCents);
  const made = await query(seed, [balances.map(String)]);
  return made.map(({ wallet_id: key, cards }, round) => {
    const [payer = '', payee = ''] = plan.random() < 0.5 ? cards : cards.toReversed();
    const calls = Array.from({ length: rivals }, (_, rival) => {
      const back = bothWays[round] && paysBack(rival, rivals);
      const call = back ? pay(payee, payer, rival + 1) : pay(payer, payee, smallestCents + rival);
      return taps(call, plan);
    }).flat();
    const capacity = bothWays[round] ? calls.length : scarce;
    return { key, capacity, calls };
  });
};

/** With few rivals, the last one pays back; a single rival does not. */
function paysBack(rival: number, rivals: number): boolean {
  if (rivals < paysBackEvery) return rival > 0 && rival === rivals - 1;
  return rival % paysBackEvery === paysBackEvery - 1;
}

function pay(fromCardId: string, toCardId: string, amountCents: number): Call {
  const body = { fromCardId, toCardId, amountCents };
  return { path: '/transfers', body, actor: String(amountCents) };
}

function taps(call: Call, plan: RoundsPlan): Round['calls'] {
  return plan.random() < plan.doubleTapShare ? [call, call] : [call];
}
