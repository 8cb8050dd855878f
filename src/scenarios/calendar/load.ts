import { type Load, sql } from '../../contract/index.ts';
import { tapped } from '../taps.ts';
import { calls } from './calls.ts';

// one hour each, a second apart: different times that all overlap, so only one can be booked
const seed = sql<{ therapist_id: string; request_ids: string[] }>`
  with made as (
    insert into therapists (name) select 'load' from generate_series(1, $1::integer) returning id
  ), asked as (
    insert into visit_requests (therapist_id, client, during)
    select made.id, 'load', tstzrange(start, start + interval '1 hour')
    from made, generate_series(1, $2::integer) as rival,
      lateral (select timestamptz '2030-01-01 10:00Z' + rival * interval '1 second' as start) as hour
    returning id, therapist_id
  )
  select therapist_id, array_agg(id::text order by id) as request_ids
  from asked group by therapist_id order by therapist_id`;

/**
 * New therapists; every rival books a different request for about the same hour, some tap twice.
 */
export const load: Load = async (plan, query) => {
  const { rounds, rivals } = plan;
  const contention = { kind: 'plain', rivals, calls: 2 * rivals };
  const made = await query(seed, [rounds, rivals]);
  return made.map(({ therapist_id: id, request_ids: ids }) => ({
    key: id,
    capacity: calls.capacity(contention),
    calls: tapped(plan, rival => calls.call({ id, ids }, rival, contention)),
  }));
};
