-- One schema serves every strategy: the entry number binds only the rows that have one, and
-- `version` and `fence` lie unused under the strategies that do not ask for them. There is no
-- `check (balance_cents >= 0)`: it would hide what the strategies have to prevent.

create table if not exists gift_cards (
  id bigint generated always as identity primary key,
  initial_cents integer not null check (initial_cents >= 0),
  balance_cents integer not null,
  -- with less than this on it a card is used up: whoever is told so was told that nothing is left
  smallest_debit_cents integer not null default 1 check (smallest_debit_cents > 0),
  version integer not null default 0,
  fence bigint not null default 0,
  created_at timestamptz not null default now()
);

create table if not exists gift_card_debits (
  id bigint generated always as identity primary key,
  card_id bigint not null references gift_cards (id),
  amount_cents integer not null check (amount_cents > 0),
  -- null unless the strategy numbers its entries: nulls never collide
  entry integer check (entry > 0),
  -- not unique on purpose: it tells which command wrote the row, and must not cure a retry
  command_id uuid not null,
  created_at timestamptz not null default now()
);

create index if not exists gift_card_debits_by_card on gift_card_debits (card_id);
create unique index if not exists gift_card_debits_entry on gift_card_debits (card_id, entry)
  where entry is not null;
