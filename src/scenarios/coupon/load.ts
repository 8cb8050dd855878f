import { type Load, type Round, type RoundsPlan, sql } from '../../contract/index.ts';
import { calls } from './calls.ts';

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

/** New campaigns, with coupons as `calls` says. A user may claim more than one. */
export const load: Load = async (plan, query) => {
  const { rounds, rivals } = plan;
  const drawn = Array.from({ length: rounds }, (_, round) => {
    const claims = Array.from({ length: rivals }, (_each, rival) => taps(rival, plan)).flat();
    const kind = plan.kind ?? calls.kindOf(round, rivals);
    return { claims, contention: { kind, rivals, calls: claims.length } };
  });
  const capacities = drawn.map(({ contention }) => calls.capacity(contention));
  const made = await query(seed, [capacities.map(String)]);
  return drawn.map(({ claims, contention }, round): Round => {
    const key = { id: made[round]?.id ?? '', ids: [] };
    return {
      key: key.id,
      capacity: calls.capacity(contention),
      calls: claims.map(rival => calls.call(key, rival, contention)),
    };
  });
};

/** The claims of one rival: one, or two at once. */
function taps(rival: number, plan: RoundsPlan): readonly number[] {
  return plan.random() < plan.doubleTapShare ? [rival, rival] : [rival];
}
