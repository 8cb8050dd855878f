-- $1: therapist ids (null: all). $2, $3: keys and command ids that were acknowledged as accepted.
-- $4: what callers were told is taken: therapist/request, or the id of the therapist alone.
with recursive asked as (
  select t.id from therapists t where $1::text[] is null or t.id = any ($1::text[]::bigint[])
), booked as (
  select v.id, v.therapist_id, v.during,
    max(upper(v.during)) over (
      partition by v.therapist_id order by lower(v.during), upper(v.during), v.id
      rows between unbounded preceding and 1 preceding
    ) as busy_until
  from visits v join asked on asked.id = v.therapist_id
), chained as (
  -- visits that hang together have one chain number; hours are half-open, as the routes make them
  select booked.*,
    count(*) filter (where busy_until is null or lower(during) >= busy_until) over (
      partition by therapist_id order by lower(during), upper(during), id
    ) as chain
  from booked
), crowded as (
  select * from (
    select chained.*, count(*) over (partition by therapist_id, chain) as visits from chained
  ) counted
  where visits > 1
), kept as (
  -- whoever keeps the visit that ends first, again and again, keeps the most (interval scheduling)
  (
    select distinct on (therapist_id, chain) therapist_id, chain, during
    from crowded order by therapist_id, chain, upper(during), id
  )
  union all
  select next.therapist_id, next.chain, next.during
  from kept cross join lateral (
    select c.therapist_id, c.chain, c.during from crowded c
    where c.therapist_id = kept.therapist_id and c.chain = kept.chain and c.during >> kept.during
    order by upper(c.during), c.id limit 1
  ) next
), refused as (
  select distinct split_part(told.id, '/', 1) as key,
    nullif(split_part(told.id, '/', 2), '')::bigint as request_id
  from unnest($4::text[]) as told (id)
)
select therapist_id::text as key, 'duplicate' as kind, (visits - keeps)::integer as excess,
  format('%s of %s overlapping visits of one therapist have to go', visits - keeps, visits) as detail
from (
  select therapist_id, count(*) as visits,
    (select count(*) from kept where kept.therapist_id = crowded.therapist_id) as keeps
  from crowded group by therapist_id
) counted
union all
select acknowledged.key, 'lost acknowledgement', 1,
  format('command %s was acknowledged but is not in the database', acknowledged.command_id)
from unnest($2::text[], $3::text[]) as acknowledged (key, command_id)
where not exists (
  select from visits v
  where v.command_id = acknowledged.command_id::uuid and v.therapist_id = acknowledged.key::bigint
)
union all
select key, 'false refusal', 1, 'a caller was refused though the therapist has no visit at all'
from refused
where request_id is null
  and not exists (select from visits v where v.therapist_id = refused.key::bigint)
union all
-- visits are never cancelled: an hour that is free now was free at the time of the refusal
select refused.key, 'false refusal', 1,
  format('a caller was refused request %s, whose hours overlap no visit', request_id)
from refused
join visit_requests r on r.id = refused.request_id and r.therapist_id = refused.key::bigint
where not exists (
  select from visits v where v.therapist_id = r.therapist_id and v.during && r.during
)
order by 1, 2, 4
