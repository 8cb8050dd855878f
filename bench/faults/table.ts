/** The result for a terminal, at most 100 columns wide. Pure. */
import { createColors } from 'picocolors';
import { laid, shortened, wrapped } from '../page/columns.ts';
import { nothing, whole } from '../page/format.ts';
import { headline, legend, markOf } from './report.ts';
import type { FaultCell, FaultsRun } from './schema.ts';
import { lostOf, verdictOf, violationsOf } from './verdict.ts';

export function faultsTable(run: FaultsRun, { color }: { readonly color: boolean }): string {
  const colors = createColors(color);
  const lines = [
    `${run.scenario}/${run.variant}: 2 processes, leases of ${run.times.leaseMs} ms, seed ${run.seed}`,
    '',
    ...facedFaults(run).flatMap(({ name, title, cells }) => [
      colors.bold(`${name}: ${title}`),
      ...laid([heads, ...cells.map(cell => rowOf(run, cell))], 'lllrrrrr'),
      '',
    ]),
    ...reasonsOf(run),
    `${legend} * is there to be harmed.`,
    colors.bold(headline(run)),
    `rerun: ${run.command}`,
  ];
  return `${lines.flatMap(line => wrapped(line)).join('\n')}\n`;
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
