-- The ids by which the audit knows its keys, in pages. $1: the id after which to go on. $2: how many.
-- One card of each wallet: the audit judges the whole wallet, at the card that sorts first as text.
select c.id::text
from wallet_cards c
where c.id > $1::bigint and not exists (
  select from wallet_cards earlier
  where earlier.wallet_id = c.wallet_id and earlier.id < c.id
)
order by c.id limit $2
