-- $1: card ids (null: all). $2, $3: keys and command ids that were acknowledged as accepted.
-- $4: ids of cards of which a caller was told that they are used up.
with asked as (
  select c.id, c.initial_cents, c.balance_cents, c.smallest_debit_cents
  from gift_cards c
  where $1::text[] is null or c.id = any ($1::text[]::bigint[])
), entries as (
  select d.card_id, d.amount_cents, asked.initial_cents,
    sum(d.amount_cents) over (partition by d.card_id order by d.id) as spent_so_far
  from gift_card_debits d join asked on asked.id = d.card_id
), spent as (
  select card_id, sum(amount_cents) as cents,
    (count(*) filter (where spent_so_far > initial_cents))::integer as debits_in_excess
  from entries group by card_id
), settled as (
  select asked.id, asked.initial_cents, asked.balance_cents, asked.smallest_debit_cents,
    coalesce(spent.cents, 0) as spent_cents,
    coalesce(spent.debits_in_excess, 0) as debits_in_excess
  from asked left join spent on spent.card_id = asked.id
)
select id::text as key, 'lost update' as kind, 1 as excess,
  format('the balance is %s cents, but %s less %s of debits leaves %s', balance_cents,
    initial_cents, spent_cents, initial_cents - spent_cents) as detail
from settled where balance_cents <> initial_cents - spent_cents
union all
select id::text, 'duplicate', debits_in_excess,
  format('%s cents were spent from a card that held %s', spent_cents, initial_cents)
from settled where debits_in_excess > 0
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
