-- The commands that wrote the newest effects of the audit's keys, also those that only the provider
-- has. $1: keys (invoices, or jobs with their invoices). $2: how many per invoice and place.
select asked.key, newest.command_id::text
from unnest($1::text[]) as asked (key)
join invoices i on i.id = asked.key::bigint or i.job_id = asked.key::bigint
cross join lateral (
  (select command_id from payments where invoice_id = i.id order by id desc limit $2)
  union
  (select command_id from payment_orders where invoice_id = i.id order by id desc limit $2)
  union
  (select command_id from payment_provider.payments where invoice_id = i.id order by id desc limit $2)
) newest
