/** The result on a terminal: at most 100 columns. Pure. */
import { stripVTControlCharacters } from 'node:util';
import { createColors } from 'picocolors';
import type { PhaseName, PhaseSummary } from '../results/phase-summary.ts';
import type { CellSummary, Summary } from '../results/summary.ts';
import { durabilityWarning } from './conditions.ts';
import { counts, headline, inOrder, otherFindings, ranked, symbols, unsafe } from './content.ts';
import { counted, countOrNothing, figure, nothing, spread, times, whole } from './format.ts';

export const columnsMax = 100;

interface Options {
  readonly color: boolean;
}

type Colors = ReturnType<typeof createColors>;

/** The whole text, ending with a newline. */
export function table(summary: Summary, { color }: Options): string {
  const colors = createColors(color);
  const { plan, conditions } = summary;
  const { settings } = conditions.postgres;
  const variants = [...new Set(summary.cells.map(cell => cell.variant))];
  const parts = [
    `${plan.scenario}: ${counted(plan.processes, 'process', 'processes')}, ${plan.rivals} rivals ` +
      `per key, ${plan.repetitions} × ${plan.rounds} keys, seed ${plan.seed}`,
    `${conditions.postgres.product} ${conditions.postgres.version} (fsync ${settings.fsync ?? '?'}, ` +
      `full_page_writes ${settings.full_page_writes ?? '?'}, synchronous_commit ` +
      `${settings.synchronous_commit ?? '?'}), ${conditions.redis.product} ${conditions.redis.version}`,
    ...[durabilityWarning(summary)].filter(line => line !== ''),
    ...variants.flatMap(variant => {
      const cells = summary.cells.filter(cell => cell.variant === variant);
      return ['', ...variantLines(`${plan.scenario}/${variant}`, cells, colors)];
    }),
    '',
    ...reasons(summary.cells),
    colors.bold(headline(summary)),
    `exit code ${summary.exitCode}; to repeat: ${summary.command}`,
  ];
  return `${parts.flatMap(line => wrapped(line)).join('\n')}\n`;
}

function variantLines(title: string, cells: readonly CellSummary[], colors: Colors): string[] {
  const sections = [
    ...verdictLines(title, cells, colors),
    ...costLines('contested', 'decided p50', cells, colors),
    ...costLines('uncontended', 'service', cells, colors),
    ...unsafeLines(cells, colors),
  ];
  return sections;
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
    `${symbols[cell.verdict.observed]} ${cell.strategy.name}`,
    cell.claimed.verdict,
    cell.verdict.observed,
    counts(cell),
    otherFindings(cell) === nothing ? '' : 'yes',
    countOrNothing(cell.leasesLost),
  ]);
  const head = [title, 'claimed', 'observed', 'keys violated', 'other kinds', 'leases lost'];
  const lines = laid([head, ...rows], 'lllllr');
  return lines.map((line, index) => {
    const cell = inOrder(cells)[index - 1];
    return cell ? paint[cell.verdict.observed](line) : colors.bold(line);
  });
}

function costLines(
  phase: PhaseName,
  metric: string,
  cells: readonly CellSummary[],
  colors: Colors,
): string[] {
  const best = ranked(cells, phase);
  if (best.length === 0) return [];
  const contested = phase === 'contested';
  const rows = best.map(cell => [
    `${cell.ranks[phase]?.place ?? nothing} ${cell.strategy.name}`,
    spread(cell.phases?.[phase].cost),
    times(cell.ranks[phase]?.timesBest ?? 1),
    ...(cell.phases ? phaseFigures(cell.phases[phase], contested) : []),
  ]);
  const head = [
    `${phase}, ms`,
    metric,
    'best',
    'accepted p50',
    'p99',
    ...(contested ? ['refused p50', 'p99'] : []),
    'wait p50',
    'hold p50',
    ...(contested ? ['busy'] : ['goodput/s']),
  ];
  const lines = laid([head, ...rows], 'lrrrrrrrrr');
  return ['', ...lines.map((line, index) => (index === 0 ? colors.bold(line) : line))];
}

function phaseFigures(seen: PhaseSummary, contested: boolean): string[] {
  const { accepted, refused, attemptTimes, outcomes, goodput } = seen;
  return [
    figure(accepted?.p50),
    figure(accepted?.p99),
    ...(contested ? [figure(refused?.p50), figure(refused?.p99)] : []),
    figure(attemptTimes.wait?.p50),
    figure(attemptTimes.hold?.p50),
    contested ? countOrNothing(outcomes.busy) : figure(goodput?.median),
  ];
}

function unsafeLines(cells: readonly CellSummary[], colors: Colors): string[] {
  const bad = unsafe(cells);
  if (bad.length === 0) return [];
  const rows = bad.map(cell => [
    cell.strategy.name,
    whole(cell.duplicates),
    `${whole(cell.duplicateKeys)} of ${whole(cell.observed?.keys ?? 0)}`,
    whole(cell.acceptedPerKeyMax),
    whole(cell.excessPerKeyMax),
    otherFindings(cell),
  ]);
  const head = ['not ranked', 'duplicates', 'on keys', 'most accepted', 'in excess', 'other kinds'];
  const lines = laid([head, ...rows], 'lrrrrl');
  return ['', ...lines.map((line, index) => (index === 0 ? colors.bold(line) : line))];
}

/** Why a cell is not what it might seem: said for each that is not simply as claimed. */
function reasons(cells: readonly CellSummary[]): string[] {
  const lines = inOrder(cells)
    .filter(({ verdict }) => verdict.agreement !== 'as claimed')
    .map(cell => `${cell.strategy.name}: ${cell.verdict.observed}, ${cell.verdict.because}`);
  return lines.length > 0 ? [...lines, ''] : [];
}

const gap = '  ';

/** Columns as wide as their widest cell; `alignment` has an l or an r for each. */
function laid(rows: readonly (readonly string[])[], alignment: string): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map(row => (row[column] ?? '').length)),
  );
  return rows.map(row =>
    row
      .map((text, column) => {
        const width = widths[column] ?? 0;
        return alignment[column] === 'r' ? text.padStart(width) : text.padEnd(width);
      })
      .join(gap)
      .trimEnd(),
  );
}

/** Breaks a line of words that is too long; indents what follows. Colours count as nothing. */
function wrapped(line: string): string[] {
  const length = (text: string): number => stripVTControlCharacters(text).length;
  if (length(line) <= columnsMax) return [line];
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (length(longer) > columnsMax && current.trim() !== '') {
      lines.push(current);
      current = `    ${word}`;
    } else current = longer;
  }
  return [...lines, current];
}
