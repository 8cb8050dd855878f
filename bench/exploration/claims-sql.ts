/** The scenario's audit as plain SQL, with what the callers of one order were told written into it. */
import type { ActorEnd } from '../../src/explore/explore.ts';
import type { Told } from './engine-caller.ts';

/** One caller's command, as the audit knows it. */
export interface Asked {
  readonly key: string;
  readonly commandId: string;
}

interface Claims {
  readonly keys: readonly string[] | undefined;
  readonly acknowledged: readonly Asked[];
  readonly refusedKeys: readonly string[];
}

export interface AuditText {
  readonly auditSql: string;
  readonly exhaustedReasons: readonly string[];
}

/** What an actor of ours was told; undefined of one that crashed or is still waiting. */
export function toldOf(end: ActorEnd | undefined): Told | undefined {
  if (end?.kind !== 'returned') return undefined;
  const { value } = end;
  return isTold(value) ? value : undefined;
}

function isTold(value: unknown): value is Told {
  return typeof value === 'object' && value !== null && 'outcome' in value && 'detail' in value;
}

/**
 * The audit over all keys: what was acknowledged is there, what was denied is not, and who was told
 * that nothing is left was told the truth.
 */
export function auditWithClaims(
  { auditSql, exhaustedReasons }: AuditText,
  asked: readonly Asked[],
  ends: readonly (ActorEnd | undefined)[],
): string {
  const told = asked.map((one, index) => ({ ...one, told: toldOf(ends[index]) }));
  const having = (...outcomes: readonly Told['outcome'][]): Asked[] =>
    told.filter(one => one.told !== undefined && outcomes.includes(one.told.outcome));
  const denied = having('busy', 'failed', 'refused');
  const anyUnknown = told.some(one => one.told === undefined || one.told.outcome === 'unknown');
  const nothingLeft = told.filter(
    one => one.told?.outcome === 'refused' && exhaustedReasons.includes(one.told.detail),
  );
  const claims: Claims = {
    keys: undefined,
    acknowledged: having('accepted'),
    // where somebody may hold a place that nobody knows of, a refusal cannot be called false
    refusedKeys: anyUnknown ? [] : [...new Set(nothingLeft.map(({ key }) => key))],
  };
  const found = `select key, kind, excess, detail from (${filledIn(auditSql, claims)}) as found`;
  if (denied.length === 0) return found;
  const absent: Claims = { keys: [], acknowledged: denied, refusedKeys: [] };
  return `
    with absent as (
      select key, count(*) as commands from (${filledIn(auditSql, absent)}) as asked
      where kind = 'lost acknowledgement' group by key
    ), denied as (
      select key, count(*) as commands from unnest(${textArray(denied.map(({ key }) => key))}) as key
      group by key
    )
    ${found}
    union all
    select denied.key, 'inconsistent', denied.commands - coalesce(absent.commands, 0),
      'a command was told that nothing happened and is there'
    from denied left join absent on absent.key = denied.key
    where denied.commands > coalesce(absent.commands, 0)
    order by 1, 2, 4`;
}

function filledIn(auditSql: string, { keys, acknowledged, refusedKeys }: Claims): string {
  const values = [
    keys === undefined ? '(null::text[])' : textArray(keys),
    textArray(acknowledged.map(({ key }) => key)),
    textArray(acknowledged.map(({ commandId }) => commandId)),
    textArray(refusedKeys),
  ];
  const text = auditSql.replace(/;\s*$/, '');
  return `\n${text.replaceAll(/\$([1-4])(?!\d)/g, (_, place) => values[Number(place) - 1] ?? '')}\n`;
}

function textArray(values: readonly string[]): string {
  const quoted = values.map(value => `'${value.replaceAll("'", "''")}'`);
  return `(array[${quoted.join(', ')}]::text[])`;
}
