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
  told: { readonly history: readonly Operation[]; readonly refusalsFromMs: number },
  signal: AbortSignal,
): Promise<{ readonly audit: Audit; readonly effects: readonly Effect[] }> {
  const judge = await Judge.open(rig.databaseUrl, scenario.auditSql);
  try {
    const settled = await judge.settled(signal);
    const claims = claimsOf(
      told.history,
      scenario.registered.exhaustedReasons,
      told.refusalsFromMs,
    );
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

/**
 * What callers were told, for the audit. A refusal claims nothing on a key where somebody does not know how
 * a command ended, and none that came before `refusalsFromMs`: the store may have forgotten its reason.
 */
export function claimsOf(
  history: readonly Operation[],
  exhaustedReasons: readonly string[],
  refusalsFromMs: number,
): Claims {
  const all = toldIn(history);
  const told = (...outcomes: readonly string[]) =>
    all.flatMap(({ key, answer }) =>
      answer?.commandId && outcomes.includes(answer.outcome)
        ? [{ key, commandId: answer.commandId }]
        : [],
    );
  // who was told busy or failed had no effect, and excuses nobody
  const open = all.filter(({ answer }) => !answer || answer.type === 'info');
  const unknown = new Set(open.map(({ key }) => key));
  const refused = all.flatMap(({ key, answer, refusal }) => {
    if (answer?.outcome !== 'refused' || unknown.has(key)) return [];
    if (answer.atMs < refusalsFromMs) return [];
    return refusedIdOf({ key, reason: answer.detail, refusal }, exhaustedReasons) ?? [];
  });
  return {
    keys: [...new Set(all.map(({ key }) => key))],
    acknowledged: told('accepted'),
    denied: told('busy', 'failed', 'refused'),
    refusedKeys: [...new Set(refused)],
  };
}
