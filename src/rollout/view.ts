import type { ArmCounts } from './gate/arms.ts';
import type { VerdictName } from './gate/verdict.ts';
import type { Stage } from './rollouts.ts';
import type { RunSql } from './run-sql.ts';

/** The newest rollout of a variant, for those who watch. */
export interface Shown {
  readonly scenario: string;
  readonly variant: string;
  readonly weight: number;
  readonly shadow: number;
  readonly stage: Stage;
  readonly verdict: VerdictName;
  readonly epochs: number;
  readonly blocked: number;
  readonly arms: readonly Pick<ArmCounts, 'arm' | 'contested' | 'audited' | 'clean' | 'tries'>[];
}

/** A process that does not know the newest assignment: it waits at the gates, or has stopped. */
export interface Behind {
  readonly id: string;
  /** Host and process id; null for one of an older build. */
  readonly runsAt: string | null;
  readonly strategy: string;
  /** Since when it has said nothing; null if it never has. */
  readonly silentSeconds: number | null;
}

const selectShown = `
  select distinct on (r.scenario, r.variant) r.scenario, r.variant, r.weight, r.shadow, r.stage,
    coalesce(v.verdict, 'Inconclusive') as verdict,
    coalesce((
      select sum(epoch) from lockstep_assignments as a
      where a.scenario = r.scenario and a.variant = r.variant
    ), 0)::float8 as epochs,
    coalesce(jsonb_array_length(r.blocked), 0) as blocked,
    coalesce((
      select jsonb_agg(jsonb_build_object('arm', arm, 'contested', contested, 'audited', audited,
        'clean', clean, 'tries', tries))
      from lockstep_rollout_counts where rollout_id = r.id
    ), '[]') as arms
  from lockstep_rollouts as r left join lockstep_rollout_verdicts as v on v.rollout_id = r.id
  order by r.scenario, r.variant, r.id desc`;

export function shownOf(runSql: RunSql): Promise<readonly Shown[]> {
  return runSql<Shown>(selectShown, []);
}

/** One that has died is listed for a minute: from here it looks as one that is frozen or cut off. */
const selectBehind = `
  select id::text, runs_at as "runsAt", strategy,
    extract(epoch from now() - heard_at)::float8 as "silentSeconds"
  from lockstep_processes
  where seen_at > now() - interval '1 minute' and coalesce(heard, 0) < (
    select coalesce(sum(epoch), 0) from lockstep_assignments
    where changed_at < now() - interval '2 seconds'
  )
  order by seen_at limit 100`;

export function behindOf(runSql: RunSql): Promise<readonly Behind[]> {
  return runSql<Behind>(selectBehind, []);
}

const tellHeard = `
  update lockstep_processes set heard = $2, heard_at = clock_timestamp() where id = $1`;

/** Says how far a process has heard; see `Assignments.epochs`. */
export async function heard(runSql: RunSql, id: string, epochs: bigint): Promise<void> {
  await runSql(tellHeard, [id, String(epochs)]);
}
