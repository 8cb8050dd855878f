import { type Load, type Round, sql } from '../../contract/index.ts';
import { tapped } from '../taps.ts';
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
    const claims = tapped(plan, rival => rival);
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
