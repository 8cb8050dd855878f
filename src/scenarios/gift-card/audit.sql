-- $1: card ids (null: all). $2, $3: keys and command ids that were acknowledged as accepted.
-- $4: ids of cards of which a caller was told that they are used up.
with asked as (
  select c.id, c.initial_cents, c.balance_cents, c.smallest_debit_cents
  from gift_cards c
  where $1::text[] is null or c.id = any ($1::text[]::bigint[])
), written as (
  select d.id, d.card_id, d.amount_cents, d.command_id,
    -- one name for all debits of one command, and of all commands under one idempotency key
    coalesce('key ' || one.key, d.command_id::text) as asked_once
  from gift_card_debits d join asked on asked.id = d.card_id
  left join lateral (
    select min(c.key) as key from lockstep_idempotency_commands c where c.command_id = d.command_id
  ) one on true
), entries as (
  select written.*,
    row_number() over (partition by card_id, asked_once order by id) as place
  from written
), fitting as (
  -- one debit of each command, the small ones first: most of them fit, and the rest is in excess
  select e.card_id,
    sum(e.amount_cents) over (partition by e.card_id order by e.amount_cents, e.id)
      > asked.initial_cents as in_excess
  from entries e join asked on asked.id = e.card_id
  where e.place = 1
), settled as (
  select asked.id, asked.initial_cents, asked.balance_cents, asked.smallest_debit_cents,
    coalesce(spent.cents, 0) as spent_cents,
    coalesce(excess.debits, 0) as debits_in_excess
  from asked
  left join (
    select card_id, sum(amount_cents) as cents from entries group by card_id
  ) spent on spent.card_id = asked.id
  left join (
    select card_id, count(*)::integer as debits from fitting where in_excess group by card_id
  ) excess on excess.card_id = asked.id
), overwritten as (
  -- the least number of debits that explain what the balance has too much
  select id, greatest(1, count(*) filter (where larger_cents < surplus_cents))::integer as debits
  from (
    select wrong.id, wrong.surplus_cents,
      coalesce(sum(e.amount_cents) over (
        partition by wrong.id order by e.amount_cents desc, e.id
        rows between unbounded preceding and 1 preceding
      ), 0) as larger_cents
    from (
      select id, balance_cents - (initial_cents - spent_cents) as surplus_cents from settled
      where balance_cents <> initial_cents - spent_cents
    ) wrong
    left join entries e on e.card_id = wrong.id and e.amount_cents <= wrong.surplus_cents
  ) summed
  group by id
)
select id::text as key, 'lost update' as kind, debits as excess,
  format('the balance is %s cents, but %s less %s of debits leaves %s', balance_cents,
    initial_cents, spent_cents, initial_cents - spent_cents) as detail
from settled join overwritten using (id)
union all
select id::text, 'duplicate', debits_in_excess,
  format('%s cents were spent from a card that held %s', spent_cents, initial_cents)
from settled where debits_in_excess > 0
union all
select card_id::text, 'duplicate', count(*)::integer - 1,
  case
    when count(distinct command_id) = 1
      then format('command %s debited the card %s times', min(command_id::text), count(*))
    else format('%s commands under one idempotency key made %s debits',
      count(distinct command_id), count(*))
  end
from entries group by card_id, asked_once having count(*) > 1
union all
select id::text, 'inconsistent', 1, format('the balance is %s cents', balance_cents)
from settled where balance_cents < 0
union all
select acknowledged.key, 'lost acknowledgement', 1,
  format('command %s was acknowledged but is not in the database', acknowledged.command_id)
from unnest($2::text[], $3::text[]) as acknowledged (key, command_id)
where not exists (
  select from gift_card_debits d
  where d.command_id = acknowledged.command_id::uuid and d.card_id = acknowledged.key::bigint
)
union all
-- cards are never topped up: what is left now was there at the time of the refusal
select id::text, 'false refusal', 1,
  format('a caller was told that the card is used up while %s cents were left',
    initial_cents - spent_cents)
from settled
where id = any ($4::text[]::bigint[]) and initial_cents - spent_cents >= smallest_debit_cents
order by 1, 2, 4
