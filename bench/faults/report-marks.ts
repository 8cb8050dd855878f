/** The marks of a run of `faults`, and its result in one sentence. Pure. */
import { counted, list } from '../page/format.ts';
import type { FaultCell, FaultsRun } from './schema.ts';
import { type FaultVerdict, lostOf, standstillMs, verdictOf, violationsOf } from './verdict.ts';

/** A mark for a cell: what it was predicted to be, and was. */
export function markOf(cell: FaultCell, { verdict }: FaultVerdict): string {
  if (verdict === 'not offered' || verdict === 'skipped') return '–';
  if (verdict === 'inconclusive') return '?';
  if (verdict === 'not provoked') return '○';
  if (verdict === 'contradicts') return '✗!';
  const harmed = violationsOf(cell) + lostOf(cell) > 0 || cell.judged?.stuck === true;
  if (cell.claimed.verdict === 'no claim') return harmed ? '~✗' : '~';
  if (cell.claimed.verdict === 'unsafe') return '✗'; // as predicted: harmed
  return harmed ? '✗' : '✓';
}

/** A mark, and how long writers on other keys stood still, if they did. */
export function markText(cell: FaultCell, verdict: FaultVerdict): string {
  const stillMs = standstillMs(cell);
  const mark = markOf(cell, verdict);
  return stillMs === undefined ? mark : `${mark} ${secondsText(stillMs)}`;
}

/** "2.4 s", "12 s" */
export const secondsText = (ms: number): string =>
  `${ms < 9_950 ? (ms / 1_000).toFixed(1) : Math.round(ms / 1_000)} s`;

export const legend =
  '✓ claimed safe, and nothing was violated or lost. ~ no claim under this fault, and nothing was seen; ' +
  '~✗ no claim, and a violation was seen. ✗ predicted to be harmed, and was. ✗! contradicts its ' +
  'prediction. ○ a hazard that this fault did not expose. ? inconclusive. – not offered, or skipped. ' +
  'Seconds: the process that was not struck served no key for so long.';

/** Nothing was predicted of it: whatever it shows, it is no proof. */
const isOpen = ({ claimed, control }: FaultCell): boolean =>
  claimed.verdict === 'no claim' && !control;

/** The result in one sentence. */
export function headline(run: FaultsRun): string {
  const all = run.cells.map(cell => ({ cell, ...verdictOf(run, cell) }));
  const names = (verdict: FaultVerdict['verdict']): string[] =>
    all
      .filter(one => one.verdict === verdict)
      .map(({ cell }) => `${cell.strategy} under ${cell.fault} (${cell.phase})`);
  const [broken, undecided] = [names('contradicts'), names('inconclusive')];
  const ended =
    run.end === 'complete'
      ? ''
      : `The run is ${run.end === 'interrupted' ? 'interrupted' : `broken off (${run.brokenOff})`}. `;
  if (broken.length > 0) return `${ended}Contradicts its prediction: ${list(broken)}.`;
  if (undecided.length > 0)
    return `${ended}Inconclusive: ${list(undecided)}; the others are as predicted.`;
  const predicted = all.filter(({ verdict }) => verdict === 'as predicted');
  const open = predicted.filter(({ cell }) => isOpen(cell)).length;
  const besides = open > 0 ? `, and ${open} without a claim` : '';
  return `${ended}${counted(predicted.length - open, 'cell')} as predicted${besides}.`;
}
