-- The cure: take the invoices' rows first, in the same transaction, and pay what that returned.
begin;
with due as (select id, cents from invoice where paid_at is null order by id for update),
  paid as (update invoice set paid_at = now() from due where invoice.id = due.id)
insert into payment (invoice_id, cents) select id, cents from due;
commit;
