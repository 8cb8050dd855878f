import type { SqlFile } from '../../store/migrate.ts';

/** What the processes have counted for a rollout, and what its gate makes of it. */
export const gateMigration: SqlFile = {
  name: 'rollouts/migrations/0002-the-gate.sql',
  sql: `
alter table lockstep_rollouts
  add column gate jsonb not null default '{}',
  add column waived boolean not null default false,
  add column held_since timestamptz,
  add column shadow integer not null default 0 check (shadow between 0 and 100);

-- one row per arm, added to by every process once a second
create table lockstep_rollout_counts (
  rollout_id bigint not null references lockstep_rollouts (id),
  arm text not null check (arm in ('old', 'new', 'shadow')),
  commands bigint not null,
  drawn bigint not null,
  busy bigint not null,
  failed bigint not null,
  unknown bigint not null,
  durations bigint[] not null,
  contested bigint not null,
  audited bigint not null,
  clean bigint not null,
  tries jsonb not null,
  primary key (rollout_id, arm)
);

-- contested keys that count: each once, and one a second; 3,000 per arm at most
create table lockstep_rollout_clean_keys (
  rollout_id bigint not null references lockstep_rollouts (id),
  arm text not null,
  second bigint not null,
  key_hash text not null,
  primary key (rollout_id, arm, second),
  unique (rollout_id, arm, key_hash)
);

create table lockstep_rollout_verdicts (
  rollout_id bigint primary key references lockstep_rollouts (id),
  looks bigint not null,
  compared jsonb not null,
  verdict text not null check (verdict in ('Successful', 'Failed', 'Inconclusive')),
  reasons jsonb not null,
  at timestamptz not null default now()
)`,
};

const cleanMax = 3_000; // they bound 0.1 %

/** Adds what a process has counted; whether its contested key counts is decided here. */
export const addCounts = `
with clean as (
  insert into lockstep_rollout_clean_keys (rollout_id, arm, second, key_hash)
  select $1::bigint, $2::text, floor(extract(epoch from clock_timestamp())), $12::text
  where $12::text is not null and ${cleanMax} > coalesce(
    (select clean from lockstep_rollout_counts where rollout_id = $1 and arm = $2), 0)
  on conflict do nothing returning 1
)
insert into lockstep_rollout_counts as known (rollout_id, arm, commands, drawn, busy, failed,
  unknown, durations, contested, audited, tries, clean)
select $1::bigint, $2::text, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint,
  $8::bigint[], $9::bigint, $10::bigint, $11::jsonb, (select count(*) from clean)
on conflict (rollout_id, arm) do update set
  commands = known.commands + excluded.commands,
  drawn = known.drawn + excluded.drawn,
  busy = known.busy + excluded.busy,
  failed = known.failed + excluded.failed,
  unknown = known.unknown + excluded.unknown,
  durations = (
    select array_agg(a + b order by step)
    from unnest(known.durations, excluded.durations) with ordinality as both_of (a, b, step)
  ),
  contested = known.contested + excluded.contested,
  audited = known.audited + excluded.audited,
  clean = known.clean + excluded.clean,
  tries = (
    select coalesce(jsonb_object_agg(name, total), '{}')
    from (
      select name, sum(value::bigint) as total
      from (select * from jsonb_each_text(known.tries) union all
        select * from jsonb_each_text(excluded.tries)) as each_of (name, value)
      group by name
    ) as sums
  )`;

/** Small enough for a double: a command per microsecond for a century. */
export const selectCounts = `
  select arm, commands::float8, drawn::float8, busy::float8, failed::float8, unknown::float8,
    durations::float8[], contested::float8, audited::float8, clean::float8, tries
  from lockstep_rollout_counts where rollout_id = $1`;

export const selectVerdict = `
  select verdict, reasons, looks::text, compared, at,
    extract(epoch from clock_timestamp() - at)::float8 as "ageSeconds"
  from lockstep_rollout_verdicts where rollout_id = $1`;

/** Only behind the look that it goes on from: one who drove before may not know yet that another one does. */
export const storeVerdict = `
  insert into lockstep_rollout_verdicts as known (rollout_id, looks, compared, verdict, reasons)
  select $1::bigint, 1, $3::jsonb, $4::text, $5::jsonb where $2::bigint = 0
  on conflict (rollout_id) do nothing`;

export const replaceVerdict = `
  update lockstep_rollout_verdicts
  set looks = looks + 1, compared = $3, verdict = $4, reasons = $5, at = clock_timestamp()
  where rollout_id = $1 and looks = $2`;

/** Names the arms: a key that both of them served, or one behind both at once, is to blame on the change. */
export const firstViolation = `
  select format('%s on key %s under %s: %s', kind, key, strategy, detail) as says, strategy
  from lockstep_violations
  where scenario = $1 and found_at >= $2 and strategy in ($3, $4, $5, 'mixed')
  order by id limit 1`;
