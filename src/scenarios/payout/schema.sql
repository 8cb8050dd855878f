-- One schema serves every variant and strategy: `version` and `fence` lie unused under those that do
-- not ask for them.

create table if not exists invoices (
  id bigint generated always as identity primary key,
  payee text not null,
  amount_cents bigint not null check (amount_cents > 0),
  -- `ordered`: the outbox holds the order, and the relay has not sent it yet
  status text not null default 'due' check (status in ('due', 'ordered', 'paid')),
  version integer not null default 0,
  fence bigint not null default 0,
  created_at timestamptz not null default now()
);

create index if not exists invoices_due on invoices (id) where status = 'due';

-- A job that pays all that is due on its list, run after run. Its ids come from the sequence of the
-- invoices, so that the audit knows by the id which of them it was given.
create table if not exists payout_jobs (
  id bigint primary key default nextval('invoices_id_seq'),
  runs integer not null default 0,
  version integer not null default 0,
  fence bigint not null default 0
);

-- null: paid one by one, on nobody's list
alter table invoices add column if not exists job_id bigint references payout_jobs (id);

create index if not exists invoices_by_job on invoices (job_id) where job_id is not null;

-- Our books: what we know to have been paid.
create table if not exists payments (
  id bigint generated always as identity primary key,
  invoice_id bigint not null references invoices (id),
  provider_payment_id bigint not null,
  -- not unique on purpose: it tells which command wrote the row, and must not cure a retry
  command_id uuid not null,
  created_at timestamptz not null default now()
);

create index if not exists payments_by_invoice on payments (invoice_id);

-- The outbox: what is to be paid, decided in our own transaction and sent after it.
create table if not exists payment_orders (
  id bigint generated always as identity primary key,
  invoice_id bigint not null references invoices (id),
  command_id uuid not null,
  -- null until the relay has sent it
  payment_id bigint references payments (id),
  created_at timestamptz not null default now()
);

create index if not exists payment_orders_by_invoice on payment_orders (invoice_id);
create index if not exists payment_orders_unsent on payment_orders (id) where payment_id is null;

-- The provider's books, in a schema of its own: no transaction of ours ever writes here.
do $$
begin
  -- `if not exists` alone asks for the right to create schemas even where there is nothing to create
  if to_regnamespace('payment_provider') is null then create schema payment_provider; end if;
end
$$;

create table if not exists payment_provider.payments (
  id bigint generated always as identity primary key,
  invoice_id bigint not null,
  amount_cents bigint not null,
  idempotency_key text unique,
  command_id uuid not null,
  created_at timestamptz not null default now()
);

create index if not exists provider_payments_by_invoice on payment_provider.payments (invoice_id);
