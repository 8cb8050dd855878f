/** Whether a rollout may start now: who serves on the database, and what is assigned there. */
import { groupCount } from './key-groups.ts';
import type { RunSql } from './run-sql.ts';
import { shadowName } from './shadow.ts';

/** A rollout that is asked for. */
export interface Start {
  readonly scenario: string;
  readonly variant: string;
  readonly from: string;
  readonly to: string;
}

interface Other {
  readonly strategy: string;
  readonly count: number;
  readonly proves: boolean;
}

const others = `
  select strategy, count(*)::integer as count, bool_and(proves) as proves from lockstep_processes
  where seen_at > now() - interval '20 seconds' and (strategy <> $1 or not proves)
  group by strategy order by bool_and(proves), strategy limit 1`;

const assigned = `
  select strategy, count(*)::integer as count from lockstep_assignments
  where scenario = $1 and variant = $2 group by strategy order by strategy`;

/** The reason against it, as a sentence; undefined if there is none. */
export async function reasonAgainstStart(
  runSql: RunSql,
  { scenario, variant, from, to }: Start,
): Promise<string | undefined> {
  const values = [scenario, variant];
  const rows = await runSql<{ strategy: string; count: number }>(assigned, values);
  const elsewhere = rows.find(row => row.strategy !== from);
  // some keys were left behind: a rollout between the two brings all to one of them
  const between = rows.length > 1 && rows.every(({ strategy }) => within(strategy, from, to));
  if (elsewhere && !between)
    return (
      `${elsewhere.count} of ${groupCount} groups of keys are under '${elsewhere.strategy}', not under '${from}': ` +
      `start from '${elsewhere.strategy}'.`
    );
  const [other] = await runSql<Other>(others, [from]);
  return other && reasonAgainstOther(other, from, rows.length > 0);
}

function within(strategy: string, from: string, to: string): boolean {
  return strategy === from || strategy === to || strategy === shadowName(from, to);
}

function reasonAgainstOther(
  { strategy, count, proves }: Other,
  from: string,
  isAssigned: boolean,
): string | undefined {
  const found = `${count} × a process under STRATEGY=${strategy} on this database`;
  const forgotten = 'a process that has ended is forgotten after 20 s';
  if (!proves)
    return (
      `${found} may be of an older build, which does not prove under which strategy it decides. Replace ` +
      `it first; ${forgotten}.`
    );
  if (isAssigned) return undefined; // it takes the assignment
  return (
    `There is ${found}, which decides keys that are not assigned yet, and not under '${from}'. Stop it, and ` +
    `start it again when the rollout has begun; ${forgotten}.`
  );
}
