import type { Schema } from '../store/migrate.ts';

/**
 * Findings of the live audit: one row per unit of excess, so that the process that inserts the row
 * counts it and no other process, now or after a restart, counts it again. Also the cursors of the
 * sweep, so that a restart resumes where the last run stopped.
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
);

create table if not exists lockstep_sweeps (
  scenario text primary key,
  after_key bigint not null default 0,
  due_at timestamptz not null default now(),
  lap_ended_at timestamptz not null default now()
)`,
};

/**
 * $1: scenario; $2 to $6: keys, kinds, excesses, strategies and details, one entry per finding.
 * Returns a row per unit that had not been found before. Sorted, so that processes with the same
 * findings lock in the same order.
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

/** Filter and position of a page of findings. */
export interface EvidencePage {
  readonly scenario?: string | undefined;
  readonly strategy?: string | undefined;
  readonly kind?: string | undefined;
  /** Only rows with a lower id: the `next` of the previous page. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** One unit of excess, as found. */
export interface EvidenceRow {
  readonly id: string;
  readonly scenario: string;
  /** The id of the deciding row. */
  readonly key: string;
  readonly kind: string;
  /** 1 for the first excess effect on the key, 2 for the second, and so on. */
  readonly unit: number;
  readonly strategy: string;
  readonly detail: string;
  readonly foundAt: Date;
}

/**
 * Newest first. $1 to $3: scenario, strategy and kind (null: all); $4: before which id; $5: rows.
 */
export const selectViolations = `
  select id, scenario, key, kind, unit, strategy, detail, found_at as "foundAt"
  from lockstep_violations
  where ($1::text is null or scenario = $1)
    and ($2::text is null or strategy = $2)
    and ($3::text is null or kind = $3)
    and ($4::bigint is null or id < $4)
  order by id desc
  limit $5`;

/** The parameters of `selectViolations`. */
export function valuesOf({ scenario, strategy, kind, before, limit }: EvidencePage): unknown[] {
  return [scenario ?? null, strategy ?? null, kind ?? null, before ?? null, limit];
}
