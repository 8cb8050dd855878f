-- $1: request ids (null: all). $2, $3: keys and command ids that were acknowledged as accepted.
-- $4: ids of requests of which a caller was told that no place is left.
with asked as (
  select r.id, r.therapists_needed
  from appointment_requests r
  where $1::text[] is null or r.id = any ($1::text[]::bigint[])
), booked as (
  select a.request_id, count(*)::integer as appointments
  from appointments a join asked on asked.id = a.request_id
  group by a.request_id
), settled as (
  select
    asked.id,
    asked.therapists_needed,
    coalesce(booked.appointments, 0) as appointments,
    offers.pending,
    offers.expired
  from asked
  left join booked on booked.request_id = asked.id
  cross join lateral (
    select
      count(*) filter (where status = 'pending')::integer as pending,
      count(*) filter (where status = 'expired')::integer as expired
    from appointment_offers o where o.request_id = asked.id
  ) offers
), accepted as (
  select o.request_id, o.id as offer_id, o.therapist_id
  from appointment_offers o join asked on asked.id = o.request_id
  where o.status = 'accepted'
), held as (
  select distinct a.request_id, a.offer_id, a.therapist_id
  from appointments a join asked on asked.id = a.request_id
)
select id::text as key, 'duplicate' as kind, appointments - therapists_needed as excess,
  format('%s appointments, but only %s needed', appointments,
    case therapists_needed when 1 then '1 therapist is' else therapists_needed || ' therapists are' end)
    as detail
from settled where appointments > therapists_needed
union all
select asked.id::text, 'duplicate', count(*)::integer - 1,
  format('therapist %s has %s appointments on one request', a.therapist_id, count(*))
from appointments a join asked on asked.id = a.request_id
group by asked.id, a.therapist_id having count(*) > 1
union all
-- compared row by row: equal counts do not prove that they match
select request_id::text, 'inconsistent', 1,
  case
    when held is null then format('offer %s is accepted without an appointment of its therapist', offer_id)
    else format('therapist %s has an appointment by offer %s, which is not accepted', therapist_id, offer_id)
  end
from accepted full join held using (request_id, offer_id, therapist_id)
where accepted is null or held is null
union all
select id::text, 'inconsistent', 1,
  format('%s offers are still pending on a full request', pending)
from settled where appointments >= therapists_needed and pending > 0
union all
select id::text, 'inconsistent', 1,
  format('%s offers have expired, but only %s of %s appointments exist', expired, appointments,
    therapists_needed)
from settled where appointments < therapists_needed and expired > 0
union all
select acknowledged.key, 'lost acknowledgement', 1,
  format('command %s was acknowledged but is not in the database', acknowledged.command_id)
from unnest($2::text[], $3::text[]) as acknowledged (key, command_id)
where not exists (
  select from appointments a
  where a.command_id = acknowledged.command_id::uuid and a.request_id = acknowledged.key::bigint
)
union all
select id::text, 'false refusal', 1,
  format('a caller was refused while %s of %s places were taken', appointments, therapists_needed)
from settled where id = any ($4::text[]::bigint[]) and appointments < therapists_needed
order by 1, 2, 4
