/** The result for a terminal, at most 100 columns wide. Pure. */
import { createColors } from 'picocolors';
import { laid, shortened, wrapped } from '../page/columns.ts';
import { nothing, whole } from '../page/format.ts';
import { firstLines } from './first-lines.ts';
import { legend, markOf } from './report-marks.ts';
import type { FaultCell, FaultsRun } from './schema.ts';
import { lostOf, verdictOf, violationsOf } from './verdict.ts';

export function faultsTable(run: FaultsRun, { color }: { readonly color: boolean }): string {
  const colors = createColors(color);
  const [answer = '', ...others] = firstLines(run);
  const lines = [
    `${run.scenario}/${run.variant}: 2 processes, leases of ${run.times.leaseMs} ms, seed ${run.seed}`,
    '',
    ...facedFaults(run).flatMap(({ name, title, cells }) => [
      colors.bold(`${name}: ${title}`),
      ...laid([heads, ...cells.filter(isOffered).map(cell => rowOf(run, cell))], 'lllrrrrr'),
      ...sparedLines(cells),
      '',
    ]),
    ...reasonsOf(run),
    `${legend} * is there to be harmed.`,
    `rerun: ${run.command}`,
    '',
    colors.bold(answer),
    ...others,
  ];
  return `${lines.flatMap(line => wrapped(line)).join('\n')}\n`;
}

const isOffered = ({ state }: FaultCell): boolean => state !== 'not offered';

/** Whom a fault does not concern; the report has the reason of each. */
function sparedLines(cells: readonly FaultCell[]): string[] {
  const struck = new Set(cells.filter(isOffered).map(({ strategy }) => strategy));
  const spared = cells
    .filter(cell => !isOffered(cell))
    .map(({ strategy, phase }) => (struck.has(strategy) ? `${strategy} (${phase})` : strategy));
  return spared.length > 0 ? [`not offered: ${[...new Set(spared)].join(', ')}`] : [];
}

/** The faults of which there is a cell. */
const facedFaults = ({ faults, cells }: FaultsRun) =>
  faults
    .map(fault => ({ ...fault, cells: cells.filter(cell => cell.fault === fault.name) }))
    .filter(fault => fault.cells.length > 0);

const heads = ['strategy', 'struck while', '', 'viol.', 'lost', 'unknown', 'key ms', 'gap ms'];

function rowOf(run: FaultsRun, cell: FaultCell): string[] {
  const verdict = verdictOf(run, cell);
  const { judged } = cell;
  const mark = `${markOf(cell, verdict)} ${verdict.verdict}`;
  const name = shortened(cell.control ? `${cell.strategy} *` : cell.strategy, 30);
  if (!judged) return [name, cell.phase, mark];
  return [
    name,
    cell.phase,
    mark,
    whole(violationsOf(cell)),
    whole(lostOf(cell)),
    whole(judged.unknown.tookEffect + judged.unknown.hadNone),
    time(judged.takeOverMs),
    time(judged.gapMs.others),
  ];
}

const time = (ms: number | null): string => (ms === null ? nothing : whole(Math.round(ms)));

/** Why a cell says nothing, or something unexpected; not offered ones by their reason, once. */
function reasonsOf(run: FaultsRun): string[] {
  const told = run.cells
    .map(cell => ({ cell, ...verdictOf(run, cell) }))
    .filter(({ verdict }) => verdict !== 'as predicted' && verdict !== 'not offered')
    .map(
      ({ cell, verdict, because }) =>
        `${cell.strategy}, ${cell.fault} (${cell.phase}): ${verdict}: ${because}`,
    );
  return told.length > 0 ? [...told, ''] : [];
}
