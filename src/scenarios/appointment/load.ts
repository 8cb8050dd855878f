import { type Load, type Round, type RoundsPlan, sql } from '../../contract/index.ts';

const couplesShare = 0.25;

const seed = sql<{ request_id: string; needed: number; offer_ids: string[] }>`
  with made as (
    insert into appointment_requests (client, therapists_needed)
    select 'load', needed from unnest($1::integer[]) as needed
    returning id, therapists_needed
  ), offered as (
    insert into appointment_offers (request_id, therapist_id)
    select made.id, therapist from made, generate_series(1, $2::integer) as therapist
    returning id, request_id
  ), placed as (
    insert into appointment_places (request_id)
    select made.id from made, generate_series(1, made.therapists_needed)
  )
  select made.id as request_id, made.therapists_needed as needed,
    array_agg(offered.id::text order by offered.id) as offer_ids
  from made join offered on offered.request_id = made.id
  group by made.id, made.therapists_needed order by made.id`;

/** New requests, a quarter of them for couples; every rival accepts, some tap twice. */
export const load: Load = async (plan, query) => {
  const couple = (): boolean =>
    plan.kind === undefined ? plan.random() < couplesShare : plan.kind === 'couple';
  const needed = Array.from({ length: plan.rounds }, () => (plan.rivals > 1 && couple() ? 2 : 1));
  const made = await query(seed, [needed.map(String), plan.rivals]);
  return made.map(({ request_id, needed: capacity, offer_ids }) => ({
    key: request_id,
    capacity,
    calls: offer_ids.flatMap(offerId => taps(offerId, plan)),
  }));
};

function taps(offerId: string, plan: RoundsPlan): Round['calls'] {
  const call = { path: `/appointment-offers/${offerId}/accept`, body: {}, actor: offerId };
  return plan.random() < plan.doubleTapShare ? [call, call] : [call];
}
