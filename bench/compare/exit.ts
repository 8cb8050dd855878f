import { brokenClaims, notShown } from '../explore/explored.ts';
import type { ExploredCell } from '../explore/schema.ts';
import { type ExitCode, exitCodes } from '../lab/exit-codes.ts';
import type { CellVerdict } from '../lab/verdict.ts';

/** How a run ended, before any cell is looked at. */
export type RunEnd = 'complete' | 'interrupted' | 'broken off';

/** Its orders could not be run or judged, and no time was short: nothing is known of it. */
export function hasNoVerdict({ outcome, violating }: ExploredCell): boolean {
  // without a rival it fails already: what it violates says nothing of orders
  return outcome === 'inconclusive' || (noVerdict.includes(outcome) && violating === 0);
}

const noVerdict: readonly ExploredCell['outcome'][] = [
  'setup-failed',
  'internal-error',
  'inconclusive',
  'nondeterministic',
];

/**
 * The exit code of a run. A violated claim is told even where other cells are inconclusive, but a
 * run that did not end is never judged. `shownByLoad` says where the load has shown the violation that
 * is predicted of an explored cell.
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
  // what the load has shown need not be in the orders of two callers, too: the report tells
  const unseen = notShown(explored).some(cell => !shownByLoad(cell));
  return has('not shown') || !judged || unseen || explored.some(hasNoVerdict)
    ? exitCodes.inconclusive
    : exitCodes.asClaimed;
}
