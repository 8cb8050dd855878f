-- $1: campaign ids (null: all). $2, $3: keys and command ids that were acknowledged as accepted.
-- $4: ids of campaigns of which a caller was told that no coupon is left.
with asked as (
  select c.id from campaigns c where $1::text[] is null or c.id = any ($1::text[]::bigint[])
), claimed as (
  select c.id, c.campaign_id, c.coupon_id, c.user_id, c.command_id,
    -- one name for all claims of one command, and of all commands under one idempotency key
    coalesce('key ' || one.key, c.command_id::text) as asked_once,
    count(*) over (partition by c.campaign_id, c.coupon_id) as claims_of_coupon
  from coupon_claims c join asked on asked.id = c.campaign_id
  left join lateral (
    select min(k.key) as key from lockstep_idempotency_commands k where k.command_id = c.command_id
  ) one on true
), placed as (
  -- of the claims of one command that one stays which is least in the way of others
  select claimed.*,
    row_number() over (
      partition by campaign_id, asked_once order by claims_of_coupon, id
    ) as place
  from claimed
), given as (
  select campaign_id, coupon_id, count(*)::integer as claims, max(user_id) as user_id,
    (count(*) filter (where place = 1))::integer as commands
  from placed group by campaign_id, coupon_id
), stock as (
  select asked.id, coupons.claimed, coupons.free,
    (select coalesce(sum(claims), 0) from given where given.campaign_id = asked.id) as claims
  from asked cross join lateral (
    select
      count(*) filter (where owner_id is not null) as claimed,
      count(*) filter (where owner_id is null) as free
    from coupons where campaign_id = asked.id
  ) coupons
)
select campaign_id::text as key, 'duplicate' as kind, commands - 1 as excess,
  format('coupon %s was given out %s times', coupon_id, claims) as detail
from given where commands > 1
union all
select campaign_id::text, 'duplicate', count(*)::integer - 1,
  case
    when count(distinct command_id) = 1
      then format('command %s was given %s coupons', min(command_id::text), count(*))
    else format('%s commands under one idempotency key were given %s coupons',
      count(distinct command_id), count(*))
  end
from placed group by campaign_id, asked_once having count(*) > 1
union all
select given.campaign_id::text, 'inconsistent', 1,
  format('coupon %s is claimed by user %s but belongs to %s', coupon_id, user_id,
    coalesce('user ' || owner_id, 'nobody'))
from given join coupons on coupons.id = given.coupon_id
where claims = 1 and owner_id is distinct from user_id
union all
select id::text, 'inconsistent', 1,
  format('%s coupons have an owner, but there are %s claims', claimed, claims)
from stock where claimed <> claims
union all
select acknowledged.key, 'lost acknowledgement', 1,
  format('command %s was acknowledged but is not in the database', acknowledged.command_id)
from unnest($2::text[], $3::text[]) as acknowledged (key, command_id)
where not exists (
  select from coupon_claims c
  where c.command_id = acknowledged.command_id::uuid and c.campaign_id = acknowledged.key::bigint
)
union all
-- coupons are never returned: what is free now was free at the time of the refusal
select id::text, 'false refusal', 1,
  format('a caller was told that no coupon is left while %s were free', free)
from stock where id = any ($4::text[]::bigint[]) and free > 0
order by 1, 2, 4
