/** The scenario's audit as plain SQL, with the answers to the callers of one order as literals. */
import { type Call, refusedIdOf } from '../../src/contract/index.ts';
import type { ActorEnd } from '../../src/explore/explore.ts';
import type { Told } from './engine-caller.ts';

/** One caller's command, as the audit knows it. */
export interface Asked {
  readonly key: string;
  readonly commandId: string;
  /** Commands with the same value count as one: at most one of them may take effect. */
  readonly oneOf?: string | undefined;
  /** What a refusal of it claims, where that is more than that nothing is left on the key. */
  readonly refusal?: Call['refusal'];
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

/** What the actor was told; undefined if it crashed or is still waiting. */
export function toldOf(end: ActorEnd | undefined): Told | undefined {
  if (end?.kind !== 'returned') return undefined;
  const { value } = end;
  return isTold(value) ? value : undefined;
}

function isTold(value: unknown): value is Told {
  return typeof value === 'object' && value !== null && 'outcome' in value && 'detail' in value;
}

/**
 * The audit over all keys: acknowledged commands took effect, denied ones did not, of the commands
 * under one Idempotency-Key at most one did, and "nothing left" was true. This is checked in every
 * order, even if a caller crashed or got no answer: at the time of the audit all transactions have
 * ended, and capacity that is free then was free before. Capacity held only by a transaction that
 * rolled back is no reason to refuse another caller.
 */
export function auditWithClaims(
  { auditSql, exhaustedReasons }: AuditText,
  asked: readonly Asked[],
  ends: readonly (ActorEnd | undefined)[],
): string {
  const told = asked.map((one, index) => ({ ...one, told: toldOf(ends[index]) }));
  const having = (...outcomes: readonly Told['outcome'][]) =>
    told.filter(one => one.told !== undefined && outcomes.includes(one.told.outcome));
  const refusedIds = having('refused').flatMap(
    ({ key, refusal, told: answer }) =>
      refusedIdOf({ key, refusal, reason: answer?.detail ?? '' }, exhaustedReasons) ?? [],
  );
  const found = filledIn(auditSql, {
    keys: undefined,
    acknowledged: having('accepted').map(({ key, commandId, told: answer }) => {
      return { key, commandId: answer?.commandId ?? commandId };
    }),
    refusedKeys: [...new Set(refusedIds)],
  });
  const parts = [
    `select key, kind, excess, detail from (${found}) as found`,
    ...deniedButThere(auditSql, having('busy', 'failed', 'refused')),
    ...oneCommandEach(asked).flatMap(commands => thereTwice(auditSql, commands)),
  ];
  return `${parts.join('\nunion all\n')}\norder by 1, 2, 4`;
}

/** A command whose caller was told that nothing happened must have no effect. */
function deniedButThere(auditSql: string, denied: readonly Asked[]): string[] {
  if (denied.length === 0) return [];
  return [
    `select denied.key, 'inconsistent', denied.commands - coalesce(absent.commands, 0),
      'a command was answered as having no effect but took effect'
    from (
      select key, count(*) as commands from unnest(${textArray(denied.map(({ key }) => key))}) as key
      group by key
    ) as denied left join (${absentSql(auditSql, denied)}) as absent on absent.key = denied.key
    where denied.commands > coalesce(absent.commands, 0)`,
  ];
}

function oneCommandEach(asked: readonly Asked[]): Asked[][] {
  const groups = new Map<string, Asked[]>();
  for (const one of asked)
    if (one.oneOf !== undefined) groups.set(one.oneOf, [...(groups.get(one.oneOf) ?? []), one]);
  return [...groups.values()];
}

/** Commands under one Idempotency-Key must take effect at most once. */
function thereTwice(auditSql: string, commands: readonly Asked[]): string[] {
  const [first] = commands;
  if (first === undefined || commands.length < 2) return [];
  return [
    `select ${textArray([first.key])}[1], 'duplicate', there - 1,
      format('%s commands under one Idempotency-Key took effect', there)
    from (
      select ${commands.length} - coalesce(sum(commands), 0)::integer as there
      from (${absentSql(auditSql, commands)}) as absent
    ) as counted where there > 1`,
  ];
}

/**
 * How many of these commands had no effect, by key: the audit reports each as a lost acknowledgement,
 * and as something else what was done outside the database.
 */
function absentSql(auditSql: string, commands: readonly Asked[]): string {
  const claims = filledIn(auditSql, { keys: [], acknowledged: commands, refusedKeys: [] });
  return `
    select key, sum(case kind when 'lost acknowledgement' then 1 else -excess end) as commands
    from (${claims}) as asked group by key`;
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
