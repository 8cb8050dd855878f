-- A nightly job as a shell would run it: psql -f pay-due.sql. Two runs overlap when one is late.
select count(*) as due from invoice where paid_at is null \gset
\if :due
  insert into payment (invoice_id, cents)
    select id, cents from invoice where paid_at is null;
  update invoice set paid_at = now() where paid_at is null;
\endif
