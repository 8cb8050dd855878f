import { type Load, type Round, type RoundsPlan, sql } from '../../contract/index.ts';

const seed = sql<{ id: string }>`
  with made as (
    insert into campaigns (title) select 'load' from generate_series(1, $1::integer) returning id
  ), stocked as (
    insert into coupons (campaign_id) select made.id from made, generate_series(1, $2::integer)
  )
  select id from made order by id`;

/** Fresh campaigns with a coupon for half of the rivals. A user may claim more than one. */
export const load: Load = async (plan, query) => {
  const capacity = Math.ceil(plan.rivals / 2);
  const made = await query(seed, [plan.rounds, capacity]);
  return made.map(({ id }) => ({
    key: id,
    capacity,
    calls: Array.from({ length: plan.rivals }, (_, rival) => taps(id, rival + 1, plan)).flat(),
  }));
};

function taps(campaignId: string, userId: number, plan: RoundsPlan): Round['calls'] {
  const actor = String(userId);
  const call = { path: `/campaigns/${campaignId}/claims`, body: { userId: actor }, actor };
  return plan.random() < plan.doubleTapShare ? [call, call] : [call];
}
