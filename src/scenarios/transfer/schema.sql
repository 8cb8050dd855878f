-- One schema serves every strategy: nothing here refuses an overdraft, and `version` and `fence` lie
-- unused under the strategies that do not ask for them.

-- Money moves only between the cards of one wallet: a closed set whose sum can be audited.
create table if not exists wallets (
  id bigint generated always as identity primary key,
  created_at timestamptz not null default now()
);

create table if not exists wallet_cards (
  id bigint generated always as identity primary key,
  wallet_id bigint not null references wallets (id),
  initial_cents integer not null check (initial_cents >= 0),
  balance_cents integer not null,
  version integer not null default 0,
  fence bigint not null default 0
);

create index if not exists wallet_cards_by_wallet on wallet_cards (wallet_id);

create table if not exists transfers (
  id bigint generated always as identity primary key,
  wallet_id bigint not null references wallets (id),
  amount_cents integer not null check (amount_cents > 0),
  -- not unique on purpose: it tells which command wrote the row, and must not cure a retry
  command_id uuid not null,
  created_at timestamptz not null default now()
);

create index if not exists transfers_by_wallet on transfers (wallet_id);

-- The ledger: what left one card and what reached the other.
create table if not exists transfer_entries (
  id bigint generated always as identity primary key,
  transfer_id bigint not null references transfers (id),
  card_id bigint not null references wallet_cards (id),
  amount_cents integer not null check (amount_cents <> 0)
);

create index if not exists transfer_entries_by_transfer on transfer_entries (transfer_id);
create index if not exists transfer_entries_by_card on transfer_entries (card_id);
