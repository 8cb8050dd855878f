-- $1: ids of invoices, or of jobs with all their invoices (null: all). $2, $3: keys and command ids that
-- were acknowledged as accepted. $4: ids of which a caller was told that they are already paid or
-- ordered, or that nothing is due.
with asked as (
  select coalesce(i.job_id, i.id) as id, i.status, sent.sent, sent.unrecorded, kept.recorded, kept.unfounded, outbox.orders
  from invoices i
  cross join lateral (
    select count(*)::integer as sent,
      count(*) filter (
        where not exists (select from payments p where p.provider_payment_id = s.id)
      )::integer as unrecorded
    from payment_provider.payments s where s.invoice_id = i.id
  ) sent
  cross join lateral (
    select count(*)::integer as recorded,
      count(*) filter (
        where not exists (
          select from payment_provider.payments s
          where s.id = p.provider_payment_id and s.invoice_id = i.id
        )
      )::integer as unfounded
    from payments p where p.invoice_id = i.id
  ) kept
  cross join lateral (
    select count(*)::integer as orders from payment_orders o where o.invoice_id = i.id
  ) outbox
  where $1::text[] is null
    or i.id = any ($1::text[]::bigint[]) or i.job_id = any ($1::text[]::bigint[])
)
select id::text as key, 'duplicate' as kind, sent - 1 as excess,
  format('the provider paid one invoice %s times', sent) as detail
from asked where sent > 1
union all
select id::text, 'duplicate', recorded - 1, format('our books hold %s payments of one invoice', recorded)
from asked where recorded > 1
union all
select id::text, 'duplicate', orders - 1,
  format('%s orders to pay one invoice: the relay sends them all', orders)
from asked where orders > 1
union all
select id::text, 'inconsistent', 1, 'marked as paid, but the provider has not paid'
from asked where status = 'paid' and sent = 0
union all
select id::text, 'inconsistent', unrecorded,
  format('%s payments of the provider are not in our books', unrecorded)
from asked where unrecorded > 0
union all
select id::text, 'inconsistent', unfounded,
  format('%s payments in our books were not made by the provider', unfounded)
from asked where unfounded > 0
union all
select id::text, 'inconsistent', 1,
  format('the invoice is %s, but our books hold %s payments and %s orders', status, recorded, orders)
from asked
where status <> case when recorded > 0 then 'paid' when orders > 0 then 'ordered' else 'due' end
union all
select acknowledged.key, 'lost acknowledgement', 1,
  format('command %s was acknowledged but is not in the database', acknowledged.command_id)
from unnest($2::text[], $3::text[]) as acknowledged (key, command_id)
where not exists (
  select from payments p join invoices i on i.id = p.invoice_id
  where p.command_id = acknowledged.command_id::uuid
    and coalesce(i.job_id, i.id) = acknowledged.key::bigint
) and not exists (
  select from payment_orders o
  where o.command_id = acknowledged.command_id::uuid and o.invoice_id = acknowledged.key::bigint
)
union all
-- asked about commands alone, of no key: what the provider did for one is done, whatever we recorded
select distinct told.key, 'inconsistent', 1,
  format('the provider paid for command %s, and our books do not have it', told.command_id)
from unnest($2::text[], $3::text[]) as told (key, command_id)
join payment_provider.payments s on s.command_id = told.command_id::uuid
join invoices i on i.id = s.invoice_id and coalesce(i.job_id, i.id) = told.key::bigint
where cardinality($1::text[]) = 0
  -- under an idempotency key another command may have recorded the payment
  and not exists (select from payments p where p.provider_payment_id = s.id)
union all
select id::text, 'false refusal', 1, 'a caller was refused though the invoice is due'
from asked where id = any ($4::text[]::bigint[]) and status = 'due'
order by 1, 2, 4
