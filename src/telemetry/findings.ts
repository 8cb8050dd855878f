import type { Logger } from 'pino';
import { type Violation, type ViolationKind, violationKinds } from '../contract/index.ts';
import type { Meter } from './prometheus.ts';
import type { Keys } from './recent-keys.ts';
import { insertViolations } from './violations.ts';

/** Runs one statement, within the caller's time limit. */
export type RunSql = <R extends object>(
  text: string,
  values: readonly unknown[],
) => Promise<readonly R[]>;

/** A unit of excess that had not been found before. */
export interface NewFinding {
  readonly scenario: string;
  readonly strategy: string;
  readonly kind: ViolationKind;
}

const excessMax = 1_000; // rows of evidence per key and kind

/**
 * Stores the findings of an audit; several findings of one kind on a key are added up. Returns
 * those that had not been found before.
 */
export async function recordFindings(
  runSql: RunSql,
  scenario: string,
  found: readonly Violation[],
  keys: Keys,
): Promise<readonly NewFinding[]> {
  if (found.length === 0) return [];
  const sums = new Map<string, Violation>();
  for (const violation of found) {
    const id = `${violation.kind} ${violation.key}`;
    const excess = (sums.get(id)?.excess ?? 0) + violation.excess;
    sums.set(id, { ...(sums.get(id) ?? violation), excess: Math.min(excess, excessMax) });
  }
  const rows = [...sums.values()];
  const fresh = await runSql<{ kind: string; strategy: string }>(insertViolations, [
    scenario,
    rows.map(row => row.key),
    rows.map(row => row.kind),
    rows.map(row => row.excess),
    rows.map(row => keys.get(row.key) ?? onlyOne(keys)),
    rows.map(row => row.detail),
  ]);
  return fresh.flatMap(({ kind, strategy }) =>
    isKind(kind) ? [{ scenario, strategy, kind }] : [],
  );
}

/** Counts and logs new findings; call it only after they are committed. */
export function reportFindings(
  fresh: readonly NewFinding[],
  first: Violation | undefined,
  { meter, log }: { readonly meter: Meter; readonly log: Logger },
): void {
  for (const { scenario, strategy, kind } of fresh)
    meter.add('lockstep_violations_total', { scenario, strategy, kind });
  const [{ scenario } = { scenario: '' }] = fresh;
  if (fresh.length > 0) log.error({ scenario, units: fresh.length, first }, 'violations found');
}

/** The strategy for a finding on a key outside the audited set, if all audited keys share one. */
function onlyOne(keys: Keys): string {
  const strategies = new Set(keys.values());
  const [strategy] = strategies;
  return strategies.size === 1 && strategy !== undefined ? strategy : 'unknown';
}

function isKind(kind: string): kind is ViolationKind {
  return violationKinds.some(known => known === kind);
}
