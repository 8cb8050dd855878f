/** What the database says about a cell, and what its callers were told. */
import { refusedIdOf } from '../../src/contract/index.ts';
import type { RegisteredScenario } from '../../src/engine/registry.ts';
import { Judge } from '../lab/audit.ts';
import type { Audit, Claims } from '../lab/shapes.ts';
import { type Operation, toldIn } from './history.ts';
import type { Effect } from './judge.ts';
import type { Rig } from './rig.ts';

const effectsPerKeyMax = '1000';

/** The audit of the scenario, and every effect on the keys of the record. */
export async function verified(
  rig: Pick<Rig, 'databaseUrl' | 'seeds'>,
  scenario: RegisteredScenario,
  history: readonly Operation[],
  signal: AbortSignal,
): Promise<{ readonly audit: Audit; readonly effects: readonly Effect[] }> {
  const judge = await Judge.open(rig.databaseUrl, scenario.auditSql);
  try {
    const settled = await judge.settled(signal);
    const claims = claimsOf(history, scenario.registered.exhaustedReasons);
    const audit = await judge.audit(claims, settled);
    const text = { text: scenario.decidersSql };
    const rows = await rig.seeds.query<{ key: string; command_id: string }>(text, [
      claims.keys,
      effectsPerKeyMax,
    ]);
    return { audit, effects: rows.map(row => ({ key: row.key, commandId: row.command_id })) };
  } finally {
    await judge.close();
  }
}

/** What callers were told, for the audit. */
export function claimsOf(
  history: readonly Operation[],
  exhaustedReasons: readonly string[],
): Claims {
  const all = toldIn(history);
  const told = (...outcomes: readonly string[]) =>
    all.flatMap(({ key, answer }) =>
      answer?.commandId && outcomes.includes(answer.outcome)
        ? [{ key, commandId: answer.commandId }]
        : [],
    );
  const unknown = new Set(all.filter(one => one.answer?.type !== 'ok').map(({ key }) => key));
  const refused = all.flatMap(({ key, answer }) => {
    if (answer?.outcome !== 'refused' || unknown.has(key)) return [];
    return refusedIdOf({ key, reason: answer.detail, refusal: undefined }, exhaustedReasons) ?? [];
  });
  return {
    keys: [...new Set(all.map(({ key }) => key))],
    acknowledged: told('accepted'),
    denied: told('busy', 'failed', 'refused'),
    refusedKeys: [...new Set(refused)],
  };
}
