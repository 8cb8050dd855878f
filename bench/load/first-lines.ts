/** The result of load runs in at most five lines: what a report says first. Pure. */
import { blocksMin } from '../lab/ranking.ts';
import { counted, list, percent } from '../page/format.ts';
import { estimate } from './content.ts';
import { differs } from './estimate.ts';
import type { BenchSummary, CellRow } from './summary.ts';

/** What held and what failed, then who is cheapest. Sweeps change their load on purpose: only judged. */
export function firstLines({ rows }: Pick<BenchSummary, 'rows'>): readonly string[] {
  const broken = rows.filter(({ claimBroken }) => claimBroken !== '');
  const held = rows.filter(({ observed }) => observed === 'safe');
  const open = rows.filter(({ observed }) => observed === 'inconclusive');
  return [
    broken.length > 0
      ? `Against its claim: ${list(broken.map(({ name }) => name))}.`
      : `No claim was broken in ${counted(rows.length, 'cell')}.`,
    heldLine(held),
    ...(open.length > 0 ? [`Nothing can be said of ${counted(open.length, 'cell')} (?).`] : []),
    ...cheapestLines(rows.filter(({ plan }) => plan.axis === '')),
  ];
}

function heldLine(held: readonly CellRow[]): string {
  if (held.length === 0) return 'Nothing was shown to hold under this load.';
  const names = [...new Set(held.map(({ plan }) => plan.strategy))];
  const bound = Math.max(...held.map(({ boundShare }) => boundShare ?? 1));
  return `Held: ${list(names)}; violated on fewer than ${percent(bound)} of the keys of each cell.`;
}

/** Per load: the least mean time in the service, and those that differ from it by no more than noise. */
function cheapestLines(rows: readonly CellRow[]): string[] {
  const loads = [...new Set(rows.map(loadOf))];
  return loads.slice(0, linesMax).flatMap(load => {
    const able = rows
      .filter(row => loadOf(row) === load && row.observed === 'safe' && row.figures.serviceMs)
      .toSorted((a, b) => meanOf(a) - meanOf(b));
    const [best] = able;
    if (!best) return [];
    if (able.some(row => row.measured < blocksMin))
      return [`Not ranked under ${load}: --repetitions ${blocksMin} would.`];
    const alike = able.filter(
      row => row !== best && !differs(row.figures.serviceMs, best.figures.serviceMs),
    );
    const noise =
      alike.length > 0 ? `; within the noise of it: ${list(alike.map(strategyOf))}` : '';
    return [
      `Cheapest under ${load}: ${strategyOf(best)}, ${estimate(best.figures.serviceMs)} ms in the service${noise}.`,
    ];
  });
}

const linesMax = 2;

const strategyOf = ({ plan }: CellRow): string => plan.strategy;
const meanOf = ({ figures }: CellRow): number =>
  figures.serviceMs?.mean ?? Number.POSITIVE_INFINITY;
const loadOf = ({ plan }: CellRow): string => `${plan.scenario}, ${plan.workload}, ${plan.spread}`;
