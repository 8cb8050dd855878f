-- One schema serves every strategy: the constraint binds only rows that opt in (`guarded`), and
-- `version` and `fence` lie unused under the strategies that do not ask for them.

-- btree_gist lets one GiST index compare ids for equality and ranges for overlap. It is a trusted
-- extension: CREATE on the database is enough, and where it is there already nothing is needed.
do $$
begin
  if not exists (select from pg_extension where extname = 'btree_gist') then
    create extension btree_gist;
  end if;
exception
  when insufficient_privilege then
    raise exception 'the extension btree_gist is missing and % may not create it in database %: let its owner run "create extension btree_gist" there once, or "grant create on database % to %"',
      current_user, current_database(), quote_ident(current_database()), quote_ident(current_user);
  when feature_not_supported or undefined_file then
    raise exception 'the extension btree_gist is not installed on this Postgres server: install its contrib package (for example postgresql-contrib), which calendar needs for its exclusion constraint';
end
$$;

create table if not exists therapists (
  id bigint generated always as identity primary key,
  name text not null,
  version integer not null default 0,
  fence bigint not null default 0
);

create table if not exists visit_requests (
  id bigint generated always as identity primary key,
  therapist_id bigint not null references therapists (id),
  client text not null,
  during tstzrange not null check (not isempty(during)),
  version integer not null default 0,
  fence bigint not null default 0
);

create table if not exists visits (
  id bigint generated always as identity primary key,
  therapist_id bigint not null references therapists (id),
  request_id bigint not null references visit_requests (id),
  during tstzrange not null check (not isempty(during)),
  -- true only where the strategy leaves the decision to the constraint
  guarded boolean not null default false,
  -- not unique on purpose: it tells which command wrote the row, and must not cure a retry
  command_id uuid not null,
  created_at timestamptz not null default now(),
  constraint visits_do_not_overlap
    exclude using gist (therapist_id with =, during with &&) where (guarded)
);

-- For the look, and what SERIALIZABLE watches: one therapist rather than the whole table. Not a GiST
-- index on the hours: through one, Postgres misses conflicts (see the README; a test shows it).
create index if not exists visits_by_therapist on visits (therapist_id);
create index if not exists visit_requests_by_therapist on visit_requests (therapist_id);
