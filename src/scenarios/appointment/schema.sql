-- One schema serves every strategy: constraints bind only rows that opt in (a seat number), and
-- `version` and `fence` lie unused under the strategies that do not ask for them.

create table if not exists appointment_requests (
  id bigint generated always as identity primary key,
  client text not null,
  therapists_needed integer not null check (therapists_needed between 1 and 2),
  version integer not null default 0,
  fence bigint not null default 0,
  created_at timestamptz not null default now()
);

create table if not exists appointment_offers (
  id bigint generated always as identity primary key,
  request_id bigint not null references appointment_requests (id),
  therapist_id bigint not null,
  status text not null default 'pending' check (status in ('pending', 'accepted', 'expired')),
  unique (request_id, therapist_id)
);

create table if not exists appointments (
  id bigint generated always as identity primary key,
  request_id bigint not null references appointment_requests (id),
  offer_id bigint not null references appointment_offers (id),
  therapist_id bigint not null,
  -- null unless the strategy numbers its slots: nulls never collide
  seat integer check (seat > 0),
  -- not unique on purpose: it tells which command wrote the row, and must not cure a retry
  command_id uuid not null,
  created_at timestamptz not null default now()
);

create index if not exists appointments_by_request on appointments (request_id);
create unique index if not exists appointments_seat on appointments (request_id, seat)
  where seat is not null;
create unique index if not exists appointments_seated_therapist
  on appointments (request_id, therapist_id) where seat is not null;

-- The rows that Soothe's cure creates beforehand; a table of its own, so that nobody else meets them.
create table if not exists appointment_places (
  id bigint generated always as identity primary key,
  request_id bigint not null references appointment_requests (id),
  appointment_id bigint unique references appointments (id),
  version integer not null default 0,
  fence bigint not null default 0
);

create index if not exists appointment_places_by_request on appointment_places (request_id, id);
