import type { Schema } from '../store/migrate.ts';
import { gateMigration } from './gate/gate-schema.ts';

/** Rollouts and what was done to them, by whom and why. They survive restarts of everything. */
export const rolloutSchema: Schema = {
  name: 'rollouts',
  schemaSql: `
create table if not exists lockstep_rollouts (
  id bigint generated always as identity primary key,
  scenario text not null,
  variant text not null,
  from_strategy text not null,
  to_strategy text not null,
  steps jsonb not null,
  step integer not null default 0,
  weight integer not null default 0 check (weight between 0 and 100),
  stage text not null default 'progressing'
    check (stage in ('progressing', 'paused', 'aborting', 'healthy', 'aborted')),
  pause_until timestamptz,
  failed text,
  blocked jsonb,
  started_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);

create unique index if not exists lockstep_rollouts_one_at_a_time
  on lockstep_rollouts (scenario, variant) where stage in ('progressing', 'paused', 'aborting');

create table if not exists lockstep_rollout_log (
  id bigint generated always as identity primary key,
  rollout_id bigint not null references lockstep_rollouts (id),
  at timestamptz not null default now(),
  who text not null,
  action text not null,
  why text not null
)`,
  migrations: [
    {
      name: 'rollouts/migrations/0001-who-drives.sql',
      sql: `
create table if not exists lockstep_rollout_driver (
  one boolean primary key default true check (one),
  process uuid not null,
  until timestamptz not null
)`,
    },
    gateMigration,
  ],
};
