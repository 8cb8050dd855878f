/** The report of load for a terminal, at most 100 columns wide. Pure. */
import { createColors } from 'picocolors';
import { laid, shortened, wrapped } from '../page/columns.ts';
import { percent } from '../page/format.ts';
import { contention, estimate, timesBest, timesControl, verdict } from './content.ts';
import type { BenchSummary, CellRow, FigureName } from './summary.ts';

const nameColumns = 36;

/** Verdicts, costs, and the thresholds of k6 that did not hold. Ends with a newline. */
export function loadTable(
  { rows, missing, plan }: BenchSummary,
  { color }: { readonly color: boolean },
): string {
  const colors = createColors(color);
  const paint = {
    safe: colors.green,
    unsafe: colors.red,
    inconclusive: colors.yellow,
  };
  const verdicts = rows.map(row => [
    shortened(row.name, nameColumns),
    row.claimed.verdict,
    verdict(row),
    contention(row),
    row.power === undefined ? '–' : percent(row.power),
    row.broken.length === 0 ? '✓' : `✗ ${row.broken.length}`,
  ]);
  const heads = ['cell', 'claimed', 'observed', 'met', 'power', 'thresholds'];
  const [head = '', ...lines] = laid([heads, ...verdicts], 'lllrrl');
  const costs = rows.filter(row => row.measured > 0).map(row => costOf(rows, row));
  const [costHead = '', ...costLines] = laid([costHeads, ...costs], 'lrrrrrrr');
  const broken = rows.flatMap(row => row.broken.map(what => `✗ ${row.name}: ${what}`));
  return `${[
    colors.bold(head),
    ...lines.map((line, at) => paint[rows[at]?.observed ?? 'inconclusive'](line)),
    '',
    ...(costs.length > 0 ? [colors.bold(costHead), ...costLines, ''] : []),
    ...(broken.length > 0
      ? ['Thresholds of k6 that did not hold (a hazard is meant to break some):', ...broken, '']
      : ['Every threshold of k6 held.', '']),
    ...(missing.length > 0 ? [`Incomplete: ${missing.length} cells were not measured.`] : []),
    `rerun: ${plan.command}`,
  ]
    .flatMap(wrapped)
    .join('\n')}\n`;
}

const costHeads = [
  'ms, mean ± 95 %',
  'goodput/s',
  'service',
  '× best',
  '× control',
  'p50',
  'p95',
  'p99',
];

function costOf(rows: readonly CellRow[], row: CellRow): string[] {
  const of = (name: FigureName): string => estimate(row.figures[name]);
  return [
    shortened(row.name, nameColumns),
    of('goodputPerSecond'),
    of('serviceMs'),
    timesBest(rows, row),
    timesControl(rows, row),
    of('acceptedP50Ms'),
    of('acceptedP95Ms'),
    of('acceptedP99Ms'),
  ];
}
