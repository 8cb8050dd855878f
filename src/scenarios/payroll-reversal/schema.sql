-- One schema serves every strategy: constraints bind only rows that opt in (a slot number), and
-- `version` and `fence` lie unused under the strategies that do not ask for them.

create table if not exists payrolls (
  id bigint generated always as identity primary key,
  employer text not null,
  amount_cents bigint not null check (amount_cents > 0),
  version integer not null default 0,
  fence bigint not null default 0,
  created_at timestamptz not null default now()
);

create table if not exists payroll_reversals (
  id bigint generated always as identity primary key,
  payroll_id bigint not null references payrolls (id),
  admin_id bigint not null,
  -- null unless the strategy numbers its slots: nulls never collide
  slot integer check (slot = 1),
  -- not unique on purpose: it tells which command wrote the row, and must not cure a retry
  command_id uuid not null,
  created_at timestamptz not null default now()
);

-- also what SERIALIZABLE watches: without it a look at one payroll would read the whole table
create index if not exists payroll_reversals_by_payroll on payroll_reversals (payroll_id);
create unique index if not exists payroll_reversals_slot on payroll_reversals (payroll_id, slot)
  where slot is not null;
