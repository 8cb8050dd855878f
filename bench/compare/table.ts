/** The report for a terminal, at most 100 columns wide. Pure. */
import { createColors } from 'picocolors';
import {
  boundTitle,
  eventColumns,
  eventTitle,
  exploredNotes,
  partsLegend,
  partText,
  reachText,
  rowNameOf,
} from '../explore/explored.ts';
import { plain } from '../explore/rounds.ts';
import { laid, shortened, wrapped } from '../page/columns.ts';
import {
  bounded,
  counted,
  countOrNothing,
  figure,
  interval,
  nothing,
  tail,
  whole,
} from '../page/format.ts';
import { durabilityWarning } from './conditions.ts';
import {
  contention,
  counts,
  inOrder,
  leftOutNotes,
  otherFindings,
  type Place,
  placed,
  placesOf,
  power,
  ranked,
  subject,
  symbols,
  unsafe,
} from './content.ts';
import { firstLines } from './first-lines.ts';
import { matrixOf } from './matrix.ts';
import { cellsOfRow, legendOf, markOf, rowsOf } from './matrix-marks.ts';
import type { PhaseSummary } from './phase-summary.ts';
import { type PhaseName, phaseNames } from './schema.ts';
import { type CellSummary, placeOf, type Summary } from './summary.ts';

interface Options {
  readonly color: boolean;
}

type Colors = ReturnType<typeof createColors>;

/** The whole text, ending with a newline. */
export function table(summary: Summary, { color }: Options): string {
  const colors = createColors(color);
  const { plan, conditions } = summary;
  const { settings } = conditions.postgres;
  const [answer = '', ...lines] = firstLines(summary);
  const parts = [
    `${subject(summary)}: ${counted(plan.processes, 'process', 'processes')}, ${plan.rivals} callers ` +
      `per key, ${plan.repetitions} × ${plan.rounds} keys, seed ${plan.seed}`,
    `${conditions.postgres.product} ${conditions.postgres.version} (fsync ${settings.fsync ?? '?'}, ` +
      `full_page_writes ${settings.full_page_writes ?? '?'}, synchronous_commit ` +
      `${settings.synchronous_commit ?? '?'}), ${conditions.redis.product} ${conditions.redis.version}`,
    ...[durabilityWarning(summary)].filter(line => line !== ''),
    '',
    ...(plan.scenarios.length > 1
      ? overviewLines(summary, colors)
      : placesOf(summary).flatMap(place => [...placeLines(place, colors), ''])),
    ...exploredLines(summary, colors),
    '',
    ...reasons(summary),
    `exit code ${summary.exitCode}; rerun: ${summary.command}`,
    '',
    colors.bold(answer),
    ...lines,
  ];
  return `${parts.flatMap(line => wrapped(line)).join('\n')}\n`;
}

/** One mark per cell; the details are in the Markdown and HTML reports. */
function overviewLines(summary: Summary, colors: Colors): string[] {
  const matrix = matrixOf(summary);
  const letters = matrix.places.map((_, index) => String.fromCharCode('A'.charCodeAt(0) + index));
  const rows = rowsOf(matrix).map(({ name }) => [
    shortened(name, 30),
    ...cellsOfRow(matrix, name).map(cell => (cell ? markOf(cell) : '')),
  ]);
  const [head = '', ...lines] = laid([['strategy', ...letters], ...rows], 'l'.repeat(27));
  return [
    colors.bold(head),
    ...lines,
    '',
    `${legendOf(matrix.cells)}.`,
    ...matrix.places.map((place, index) => `${letters[index]} ${place}`),
    '',
  ];
}

function placeLines({ title, cells }: Place, colors: Colors): string[] {
  return [
    ...verdictLines(title, cells, colors),
    ...phaseNames.flatMap(phase => costLines(phase, cells, colors)),
    ...unsafeLines(cells, colors),
  ];
}

function verdictLines(title: string, cells: readonly CellSummary[], colors: Colors): string[] {
  const paint = {
    safe: colors.green,
    unsafe: colors.red,
    'no claim': colors.yellow,
    inconclusive: colors.yellow,
    'not offered': colors.dim,
  };
  const rows = inOrder(cells).map(cell => [
    shortened(`${symbols[cell.verdict.observed]} ${cell.strategy.name}`),
    cell.claimed.verdict,
    cell.verdict.observed,
    counts(cell),
    contention(cell),
    power(cell),
    otherFindings(cell) === nothing ? '' : 'yes',
    countOrNothing(cell.leasesLost),
  ]);
  const head = [title, 'claimed', 'observed', 'keys violated', 'met', 'power', 'other', 'leases'];
  const lines = laid([head, ...rows], 'llllrrlr');
  return lines.map((line, index) => {
    const cell = inOrder(cells)[index - 1];
    return cell ? paint[cell.verdict.observed](line) : colors.bold(line);
  });
}

function costLines(phase: PhaseName, cells: readonly CellSummary[], colors: Colors): string[] {
  const best = ranked(cells, phase);
  if (best.length === 0) return [];
  const contested = phase === 'contested';
  const rows = best.map(cell => [
    shortened(placed(cell, phase)),
    figure(cell.phases?.[phase].cost?.median),
    cell.ranks[phase] ? interval(cell.ranks[phase].toControl) : nothing,
    ...(cell.phases ? phaseFigures(cell.phases[phase], contested) : []),
  ]);
  const head = [
    `${phase}, in ms`,
    contested ? 'all callers' : 'mean',
    '× control',
    'accepted',
    'p99',
    ...(contested ? ['refused'] : []),
    ...(contested ? ['attempts'] : ['hold']),
    'goodput/s',
  ];
  return section(laid([head, ...rows], 'lrrrrrrrrrr'), colors);
}

function phaseFigures(seen: PhaseSummary, contested: boolean): string[] {
  const { accepted, refused, attemptTimes, goodput } = seen;
  return [
    figure(accepted?.p50),
    tail(accepted),
    ...(contested ? [figure(refused?.p50)] : []),
    ...(contested ? [figure(seen.attemptsPerCommand)] : [bounded(attemptTimes.hold?.p50)]),
    figure(goodput?.median),
  ];
}

function unsafeLines(cells: readonly CellSummary[], colors: Colors): string[] {
  const bad = unsafe(cells);
  if (bad.length === 0) return [];
  const rows = bad.map(cell => [
    shortened(cell.strategy.name),
    whole(cell.duplicates),
    whole(cell.duplicateKeys),
    whole(cell.acceptedPerKeyMax),
    whole(cell.excessPerKeyMax),
    shortened(otherFindings(cell), 34),
  ]);
  const head = ['not ranked', 'duplicates', 'on keys', 'accepted max', 'excess max', 'other kinds'];
  return section(laid([head, ...rows], 'lrrrrl'), colors);
}

function section([head = '', ...lines]: readonly string[], colors: Colors): string[] {
  return ['', colors.bold(head), ...lines];
}

/** The orders of two callers, by event. */
function exploredLines({ explored }: Summary, colors: Colors): string[] {
  if (explored.length === 0) return [];
  const events = eventColumns(explored);
  const variants = new Set(explored.map(cell => cell.variant));
  const shown = explored.filter(cell => cell.round === plain || cell.orders > 0);
  const rows = shown.map(cell => [
    shortened(variants.size > 1 ? `${rowNameOf(cell)} (${cell.variant})` : rowNameOf(cell)),
    ...events.map(event => partText(cell, event)),
    reachText(cell),
  ]);
  const head = ['two callers, every order', ...events.map(eventTitle), boundTitle];
  const notes = exploredNotes(explored).map(note => `explored: ${note}`);
  return [...section(laid([head, ...rows], 'llllllll'), colors), partsLegend, ...notes];
}

/** The reason for every cell that is not as claimed. */
function reasons(summary: Summary): string[] {
  const { cells, incomplete } = summary;
  if (incomplete) return [];
  const isMatrix = placesOf(summary).length > 1;
  const lines = [
    ...inOrder(cells)
      .filter(({ verdict }) => verdict.agreement !== 'as claimed')
      .filter(({ verdict }) => !isMatrix || verdict.observed !== 'not offered')
      .map(
        cell =>
          `${isMatrix ? `${placeOf(cell)} ` : ''}${cell.strategy.name}: ${cell.verdict.observed}, ` +
          cell.verdict.because,
      ),
    ...leftOutNotes(summary),
  ];
  return lines.length > 0 ? [...lines, ''] : [];
}
