-- The commands that wrote the newest effects of the audit's keys. $1: keys. $2: how many per key.
select asked.key, newest.command_id::text
from unnest($1::text[]) as asked (key)
cross join lateral (
  select command_id from gift_card_debits where card_id = asked.key::bigint order by id desc limit $2
) newest
