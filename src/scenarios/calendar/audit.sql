-- $1: therapist ids (null: all). $2, $3: keys and command ids that were acknowledged as accepted.
-- $4: ids of therapists of whom a caller was told that they are taken.
with asked as (
  select t.id from therapists t where $1::text[] is null or t.id = any ($1::text[]::bigint[])
), booked as (
  select v.id, v.therapist_id,
    exists (
      select from visits earlier
      where earlier.therapist_id = v.therapist_id and earlier.during && v.during
        and earlier.id < v.id
    ) as in_the_way
  from visits v join asked on asked.id = v.therapist_id
)
select therapist_id::text as key, 'duplicate' as kind, count(*)::integer as excess,
  format('%s visits overlap an earlier one of the same therapist', count(*)) as detail
from booked where in_the_way group by therapist_id
union all
select acknowledged.key, 'lost acknowledgement', 1,
  format('command %s was acknowledged but is not in the database', acknowledged.command_id)
from unnest($2::text[], $3::text[]) as acknowledged (key, command_id)
where not exists (
  select from visits v
  where v.command_id = acknowledged.command_id::uuid and v.therapist_id = acknowledged.key::bigint
)
union all
select id::text, 'false refusal', 1, 'a caller was refused though the therapist has no visit at all'
from asked
where id = any ($4::text[]::bigint[])
  and not exists (select from booked where booked.therapist_id = asked.id)
order by 1, 2, 4
