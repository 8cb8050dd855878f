import type { Schema } from '../store/migrate.ts';

/**
 * Evidence of the live audit: one row per unit of excess, so that whoever inserts a row first has
 * found it, and nobody counts it again, in whatever process and after whatever restart.
 */
export const violationsSchema: Schema = {
  name: 'telemetry',
  schemaSql: `
create table if not exists lockstep_violations (
  id bigint generated always as identity primary key,
  scenario text not null,
  key text not null,
  kind text not null,
  unit integer not null check (unit > 0),
  strategy text not null,
  detail text not null,
  found_at timestamptz not null default now(),
  unique (scenario, key, kind, unit)
)`,
};

/**
 * $1: scenario; $2 to $6: keys, kinds, excesses, strategies and details, one entry per finding.
 * Returns a row per unit that nobody had found before. Sorted, so that processes that find the same
 * at once wait for each other in one order.
 */
export const insertViolations = `
  insert into lockstep_violations (scenario, key, kind, unit, strategy, detail)
  select $1, found.key, found.kind, unit, found.strategy, found.detail
  from unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::text[])
    as found (key, kind, excess, strategy, detail)
  cross join lateral generate_series(1, found.excess) as unit
  order by found.key, found.kind, unit
  on conflict (scenario, key, kind, unit) do nothing
  returning kind, strategy`;
