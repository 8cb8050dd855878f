/** Rollouts in Postgres: one at a time per variant; every action is conditional and logged. */

import pg from 'pg';
import { z } from 'zod';
import { type GateSettings, gateShape } from './gate/settings.ts';
import { again, type RunSql } from './run-sql.ts';

/**
 * One hundredth of the keys is the smallest step. As Argo Rollouts names them; `setShadow`: for so many the
 * new lock is tried under the old one.
 */
const stepShape = z.union([
  z.strictObject({ setWeight: z.int().min(0).max(100) }),
  z.strictObject({ setShadow: z.int().min(0).max(100) }),
  z.strictObject({ pause: z.strictObject({ seconds: z.int().min(1).max(2_592_000).optional() }) }),
]);

export const stepsShape = z.array(stepShape).min(1).max(50);

/** `pause` without a duration waits for a person. */
export type Step = z.infer<typeof stepShape>;

export const stagesActive = ['progressing', 'paused', 'aborting'] as const;
export type Stage = (typeof stagesActive)[number] | 'healthy' | 'aborted';

export interface Rollout {
  readonly id: string;
  readonly scenario: string;
  readonly variant: string;
  readonly from: string;
  readonly to: string;
  readonly steps: readonly Step[];
  /** Index of the step that runs; `steps.length` when all have. */
  readonly step: number;
  /** How many of the 100 groups are to be under `to`. */
  readonly weight: number;
  /** For how many of the groups the new lock is tried under the old one. */
  readonly shadow: number;
  readonly stage: Stage;
  readonly gate: GateSettings;
  /** A person has promoted it: only a failure stops it. */
  readonly waived: boolean;
  /** Since when its gate holds it for want of evidence. */
  readonly heldSince: Date | null;
  /** The end of a pause that has a duration, on the server's clock. */
  readonly pauseUntil: Date | null;
  /** Why the gate failed it. */
  readonly failed: string | null;
  /** The groups that could not be closed at the last try, and who was inside. */
  readonly blocked?: unknown;
  readonly startedAt: Date;
}

const columns = `id::text, scenario, variant, from_strategy as "from", to_strategy as "to", steps, step,
  weight, shadow, stage, gate, waived, held_since as "heldSince", pause_until as "pauseUntil", failed,
  blocked, started_at as "startedAt"`;

const selectActive = `
  select ${columns} from lockstep_rollouts
  where stage in ('progressing', 'paused', 'aborting') order by id`;

const selectNewest = `
  select ${columns} from lockstep_rollouts
  where scenario = $1 and ($2::text is null or variant = $2) order by id desc limit 1`;

/** With its first step, and with both in its log. */
const insert = `
  with made as (
    insert into lockstep_rollouts (scenario, variant, from_strategy, to_strategy, steps, gate,
      step, weight, shadow, stage, pause_until)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
      case when $11::integer is null then null else now() + make_interval(secs => $11) end)
    on conflict do nothing returning *
  ), logged as (
    insert into lockstep_rollout_log (rollout_id, who, action, why)
    select made.id, said.who, said.action, said.why
    from made, unnest($12::text[], $13::text[], $14::text[])
      with ordinality as said (who, action, why, number)
    order by number
  )
  select ${columns} from made`;

/** Only from where it was decided: a person may have acted in between. */
const update = `
  with become as (
  update lockstep_rollouts
  set step = $4, weight = $5, stage = $6, failed = coalesce(failed, $8), changed_at = now(),
    shadow = $9, waived = waived or $10, held_since = null,
    pause_until = case when $7::integer is null then null else now() + make_interval(secs => $7) end
  where id = $1 and step = $2 and stage = $3 and weight = $11 returning *
  ), logged as (
    insert into lockstep_rollout_log (rollout_id, who, action, why)
    select id, $12, $13, $14 from become
  )
  select ${columns} from become`;

const hold = `
  update lockstep_rollouts set held_since = coalesce(held_since, now())
  where id = $1 and step = $2 and stage = $3
  returning extract(epoch from now() - held_since)::float8 as seconds`;

const driveSeconds = 3;

/** One process at a time; a lock of its session would be lost behind a pooler, and kept by a frozen one. */
const drive = `
  insert into lockstep_rollout_driver as driver (process, until)
  values ($1, clock_timestamp() + make_interval(secs => $2))
  on conflict (one) do update set process = excluded.process, until = excluded.until
  where driver.process = excluded.process or driver.until < clock_timestamp()
  returning process`;

const driveNoMore = 'delete from lockstep_rollout_driver where process = $1';

const isStill = `
  with mine as (
    update lockstep_rollout_driver set until = clock_timestamp() + make_interval(secs => $2)
    where process = $1 returning process
  )
  select exists (select from mine) and exists (
    select from lockstep_rollouts where id = $3 and stage = $4 and step = $5 and weight = $6
  ) as still`;

/**
 * For the transaction that moves a group: fails with division_by_zero where the rollout has gone on. Its row
 * is held, so who aborts comes before or behind the change: a driver that wakes up late changes nothing.
 */
export function stillSql({ id, stage, step, weight }: Rollout): string {
  return `select 1 / count(*) from (
    select from lockstep_rollouts
    where id = ${pg.escapeLiteral(id)} and stage = ${pg.escapeLiteral(stage)}
      and step = ${Number(step)} and weight = ${Number(weight)} for share
  ) as still`;
}

const selectLog = `
  select at, who, action, why from lockstep_rollout_log where rollout_id = $1 order by id desc limit 100`;

/** What a rollout becomes. */
export interface Next {
  readonly step: number;
  readonly weight: number;
  /** Absent: the new lock is tried nowhere. */
  readonly shadow?: number;
  readonly stage: Stage;
  /** From now on only a failure stops it. */
  readonly waived?: true;
  /** Only for a pause with a duration. */
  readonly pauseSeconds?: number;
  readonly failed?: string;
}

export interface Action {
  readonly who: string;
  readonly action: string;
  readonly why: string;
}

export interface LogRow extends Action {
  readonly at: Date;
}

export class Rollouts {
  readonly #runSql: RunSql;

  constructor(runSql: RunSql) {
    this.#runSql = again(runSql);
  }

  active(): Promise<readonly Rollout[]> {
    return this.#read(selectActive, []);
  }

  /** The one that runs, or the last that ran. */
  async newest(scenario: string, variant?: string): Promise<Rollout | undefined> {
    return (await this.#read(selectNewest, [scenario, variant ?? null]))[0];
  }

  /** At its first step. Undefined if one runs already for this variant. */
  async begin(
    asked: Pick<Rollout, 'scenario' | 'variant' | 'from' | 'to' | 'steps' | 'gate'>,
    first: Next,
    by: readonly Action[],
  ): Promise<Rollout | undefined> {
    const { scenario, variant, from, to, steps, gate } = asked;
    const { step, weight, shadow = 0, stage, pauseSeconds = null } = first;
    const [made] = await this.#read(insert, [
      ...[scenario, variant, from, to, JSON.stringify(steps), JSON.stringify(gate)],
      ...[step, weight, shadow, stage, pauseSeconds],
      ...[by.map(({ who }) => who), by.map(({ action }) => action), by.map(({ why }) => why)],
    ]);
    return made;
  }

  /** Undefined if it is no longer where it was seen. */
  async become(seen: Rollout, next: Next, by: Action): Promise<Rollout | undefined> {
    const { step, weight, stage, pauseSeconds = null, failed = null, shadow = 0 } = next;
    const becomes = [step, weight, stage, pauseSeconds, failed, shadow, next.waived ?? false];
    const [become] = await this.#read(update, [
      ...[seen.id, seen.step, seen.stage, ...becomes],
      ...[seen.weight, by.who, by.action, by.why],
    ]);
    return become;
  }

  /** Holds it where it is; returns for how many seconds it has been held. */
  async hold({ id, step, stage }: Rollout): Promise<number> {
    const [held] = await this.#runSql<{ seconds: number }>(hold, [id, step, stage]);
    return held?.seconds ?? 0;
  }

  /** Whether this process is to move the groups of keys, for the next seconds. */
  async drive(process: string): Promise<boolean> {
    return (await this.#runSql(drive, [process, driveSeconds])).length > 0;
  }

  async driveNoMore(process: string): Promise<void> {
    await this.#runSql(driveNoMore, [process]);
  }

  /** Whether it is where it was seen, and this process still drives. */
  async isStill({ id, stage, step, weight }: Rollout, process: string): Promise<boolean> {
    const values = [process, driveSeconds, id, stage, step, weight];
    const [found] = await this.#runSql<{ still: boolean }>(isStill, values);
    return found?.still === true;
  }

  history({ id }: Rollout): Promise<readonly LogRow[]> {
    return this.#runSql<LogRow>(selectLog, [id]);
  }

  /** A setting that is younger than the rollout has its default. */
  async #read(text: string, values: readonly unknown[]): Promise<readonly Rollout[]> {
    const rows = await this.#runSql<Rollout>(text, values);
    return rows.map(row => ({ ...row, gate: gateShape.parse(row.gate) }));
  }
}
