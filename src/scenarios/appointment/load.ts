import { type Load, sql } from '../../contract/index.ts';
import type { Contention } from '../calls.ts';
import { tapped } from '../taps.ts';
import { calls } from './calls.ts';

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
  const { rounds, rivals } = plan;
  const couple = (): boolean =>
    plan.kind === undefined ? plan.random() < couplesShare : plan.kind === 'couple';
  const contended = (kind = 'plain'): Contention => ({ kind, rivals, calls: 2 * rivals });
  const kinds = Array.from({ length: rounds }, () => (rivals > 1 && couple() ? 'couple' : 'plain'));
  const needed = kinds.map(kind => calls.capacity(contended(kind)));
  const made = await query(seed, [needed.map(String), rivals]);
  return made.map(({ request_id: id, needed: capacity, offer_ids: ids }, round) => ({
    key: id,
    capacity,
    calls: tapped(plan, rival => calls.call({ id, ids }, rival, contended(kinds[round]))),
  }));
};
