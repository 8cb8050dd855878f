-- $1: payroll ids (null: all). $2, $3: keys and command ids that were acknowledged as accepted.
-- $4: ids of payrolls of which a caller was told that they are already reversed.
with asked as (
  select p.id, (select count(*)::integer from payroll_reversals r where r.payroll_id = p.id) as reversals
  from payrolls p
  where $1::text[] is null or p.id = any ($1::text[]::bigint[])
)
select id::text as key, 'duplicate' as kind, reversals - 1 as excess,
  format('%s reversals of one payroll', reversals) as detail
from asked where reversals > 1
union all
select acknowledged.key, 'lost acknowledgement', 1,
  format('command %s was acknowledged but is not in the database', acknowledged.command_id)
from unnest($2::text[], $3::text[]) as acknowledged (key, command_id)
where not exists (
  select from payroll_reversals r
  where r.command_id = acknowledged.command_id::uuid and r.payroll_id = acknowledged.key::bigint
)
union all
select id::text, 'false refusal', 1, 'a caller was refused though the payroll has no reversal'
from asked where id = any ($4::text[]::bigint[]) and reversals = 0
order by 1, 2, 4
