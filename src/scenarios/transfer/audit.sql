-- $1: wallet ids (null: all). $2, $3: keys and command ids that were acknowledged as accepted.
-- $4: what callers were told that they could not pay, as wallet/card/amount. A wallet alone says too
-- little: a card that could not pay may have received money since.
with asked as (
  select w.id, w.id::text as key
  from wallets w
  where $1::text[] is null or w.id = any ($1::text[]::bigint[])
), cards as (
  select asked.key, asked.id as wallet_id, c.id, c.initial_cents, c.balance_cents,
    (
      select coalesce(sum(e.amount_cents), 0) from transfer_entries e where e.card_id = c.id
    ) as moved_cents
  from asked join wallet_cards c on c.wallet_id = asked.id
), overwritten as (
  -- Of each card the least number of entries that explain the difference. A transfer is lost to one
  -- card that paid and to one that was paid, at most: the larger of both sums is the least of it.
  select key,
    greatest(
      coalesce(sum(entries) filter (where surplus_cents > 0), 0),
      coalesce(sum(entries) filter (where surplus_cents < 0), 0)
    )::integer as transfers,
    string_agg(
      format('card %s has %s cents, but its entries leave %s', id, balance_cents,
        balance_cents - surplus_cents),
      '; ' order by id
    ) as detail
  from (
    select key, id, balance_cents, surplus_cents,
      greatest(1, count(*) filter (where larger_cents < abs(surplus_cents))) as entries
    from (
      select wrong.*,
        coalesce(sum(abs(e.amount_cents)) over (
          partition by wrong.id order by abs(e.amount_cents) desc, e.id
          rows between unbounded preceding and 1 preceding
        ), 0) as larger_cents
      from (
        select key, id, balance_cents, balance_cents - (initial_cents + moved_cents) as surplus_cents
        from cards where balance_cents <> initial_cents + moved_cents
      ) wrong
      left join transfer_entries e
        on e.card_id = wrong.id and sign(e.amount_cents) = -sign(wrong.surplus_cents)
    ) summed
    group by key, id, balance_cents, surplus_cents
  ) counted
  group by key
), refused as (
  select distinct split_part(told.id, '/', 1) as key,
    nullif(split_part(told.id, '/', 2), '')::bigint as card_id,
    nullif(split_part(told.id, '/', 3), '')::integer as amount_cents
  from unnest($4::text[]) as told (id)
), made as (
  select asked.key, t.command_id,
    -- one name for all transfers of one command, and of all commands under one idempotency key
    coalesce('key ' || one.key, t.command_id::text) as asked_once
  from asked join transfers t on t.wallet_id = asked.id
  left join lateral (
    select min(k.key) as key from lockstep_idempotency_commands k where k.command_id = t.command_id
  ) one on true
), ledger as (
  select asked.key, t.id, t.amount_cents,
    count(e.id) as entries,
    coalesce(sum(e.amount_cents), 0) as sum_cents,
    coalesce(max(e.amount_cents), 0) as paid_in_cents,
    count(distinct e.card_id) as cards
  from asked
  join transfers t on t.wallet_id = asked.id
  left join transfer_entries e on e.transfer_id = t.id
  group by asked.key, t.id, t.amount_cents
)
select key, 'lost update' as kind, transfers as excess, detail from overwritten
union all
select key, 'inconsistent', 1,
  format('the cards held %s cents in total and now hold %s', sum(initial_cents), sum(balance_cents))
from cards group by key having sum(initial_cents) <> sum(balance_cents)
union all
select key, 'inconsistent', 1, format('card %s has %s cents', id, balance_cents)
from cards where balance_cents < 0
union all
select key, 'inconsistent', 1,
  format('transfer %s of %s cents has %s entries on %s cards with a sum of %s', id, amount_cents,
    entries, cards, sum_cents)
from ledger
where entries <> 2 or cards <> 2 or sum_cents <> 0 or paid_in_cents <> amount_cents
union all
select key, 'duplicate', count(*)::integer - 1,
  case
    when count(distinct command_id) = 1
      then format('command %s made %s transfers', min(command_id::text), count(*))
    else format('%s commands under one idempotency key made %s transfers',
      count(distinct command_id), count(*))
  end
from made group by key, asked_once having count(*) > 1
union all
select acknowledged.key, 'lost acknowledgement', 1,
  format('command %s was acknowledged but is not in the database', acknowledged.command_id)
from unnest($2::text[], $3::text[]) as acknowledged (key, command_id)
where not exists (
  select from transfers t
  where t.command_id = acknowledged.command_id::uuid and t.wallet_id = acknowledged.key::bigint
)
union all
-- whatever came in between: it never had less than what it had first, less all that it ever paid
select refused.key, 'false refusal', 1,
  format('card %s was said to have less than %s cents, but never had less than %s', c.id, amount_cents,
    lowest.cents)
from refused
join wallet_cards c on c.id = refused.card_id and c.wallet_id = refused.key::bigint
cross join lateral (
  select c.initial_cents + coalesce(sum(e.amount_cents) filter (where e.amount_cents < 0), 0) as cents
  from transfer_entries e where e.card_id = c.id
) lowest
where lowest.cents >= refused.amount_cents
order by 1, 2, 4
