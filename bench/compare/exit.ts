import { brokenClaims, notShown } from '../explore/explored.ts';
import type { ExploredCell } from '../explore/schema.ts';
import { type ExitCode, exitCodes } from '../lab/exit-codes.ts';
import type { CellVerdict } from '../lab/verdict.ts';

/** How a run ended, regardless of its cells. */
export type RunEnd = 'complete' | 'interrupted' | 'broken off';

/** Its orders could not be run or judged, for a reason other than time: nothing is known about it. */
export function hasNoVerdict({ outcome, violating }: ExploredCell): boolean {
  // it fails even with a single caller: its violations say nothing about orders
  return outcome === 'inconclusive' || (noVerdict.includes(outcome) && violating === 0);
}

const noVerdict: readonly ExploredCell['outcome'][] = [
  'setup-failed',
  'internal-error',
  'inconclusive',
  'nondeterministic',
];

/**
 * The exit code of a run. A violated claim takes precedence over inconclusive cells, but an incomplete
 * run is never judged. `shownByLoad`: whether the load showed the violation predicted for an explored
 * cell.
 */
export function exitCodeOf(
  end: RunEnd,
  verdicts: readonly CellVerdict[],
  explored: readonly ExploredCell[] = [],
  shownByLoad: (cell: ExploredCell) => boolean = () => false,
): ExitCode {
  if (end === 'interrupted') return exitCodes.interrupted;
  if (end === 'broken off') return exitCodes.inconclusive;
  const has = (agreement: CellVerdict['agreement']): boolean =>
    verdicts.some(verdict => verdict.agreement === agreement);
  if (brokenClaims(explored).length > 0 || has('claim violated')) return exitCodes.claimBroken;
  const judged = verdicts.some(verdict => verdict.observed !== 'not offered');
  // a violation shown by the load need not appear in the orders of two callers; the report notes it
  const unseen = notShown(explored).some(cell => !shownByLoad(cell));
  return has('not shown') || !judged || unseen || explored.some(hasNoVerdict)
    ? exitCodes.inconclusive
    : exitCodes.asClaimed;
}
