import { type Load, type Round, type RoundsPlan, sql } from '../../contract/index.ts';

const seed = sql<{ id: string }>`
  with made as (
    insert into campaigns (title) select 'load' from unnest($1::integer[]) returning id
  ), planned as (
    select id, coupons
    from (select id, row_number() over (order by id) as place from made) as made
    join unnest($1::integer[]) with ordinality as stock (coupons, place) using (place)
  ), stocked as (
    insert into coupons (campaign_id) select id from planned, generate_series(1, coupons)
  )
  select id from planned order by id`;

/**
 * New campaigns, alternately with a coupon for every claim and for half of the rivals. With enough
 * for all, a single false refusal leaves a coupon over; with fewer, later claims would take it. A
 * user may claim more than one.
 */
export const load: Load = async (plan, query) => {
  const drawn = Array.from({ length: plan.rounds }, (_, round) => {
    const claims = Array.from({ length: plan.rivals }, (_, rival) => taps(rival + 1, plan)).flat();
    const scarce = plan.kind === undefined ? round % 2 === 1 : plan.kind === 'scarce';
    const capacity = scarce ? Math.ceil(plan.rivals / 2) : claims.length;
    return { claims, capacity };
  });
  const made = await query(seed, [drawn.map(({ capacity }) => String(capacity))]);
  return drawn.map(({ claims, capacity }, round): Round => {
    const key = made[round]?.id ?? '';
    const path = `/campaigns/${key}/claims`;
    const calls = claims.map(actor => ({ path, body: { userId: actor }, actor }));
    return { key, capacity, calls };
  });
};

/** The claims of one user: one, or two at once. */
function taps(user: number, plan: RoundsPlan): readonly string[] {
  return plan.random() < plan.doubleTapShare ? [String(user), String(user)] : [String(user)];
}
