/** The page's sections on the cost of safe strategies, and on the unsafe ones. Pure. */

import { element, type Html, tableOf } from '../page/element.ts';
import { figure, latencies, quantiles, spread, times, whole } from '../page/format.ts';
import {
  claimOf,
  incidents,
  otherFindings,
  phaseTitles,
  ranked,
  turnedAway,
  unsafe,
} from './content.ts';
import type { SectionContext } from './html-verdicts.ts';
import type { PhaseName } from './phase-summary.ts';
import type { CellSummary } from './summary.ts';

/** What a safe strategy costs: as seen by callers, then where the time goes inside the service. */
export function costSection(
  cells: readonly CellSummary[],
  phase: PhaseName,
  { first }: SectionContext,
): Html[] {
  const best = ranked(cells, phase);
  const contested = phase === 'contested';
  const heading = element('h2', phaseTitles[phase], {
    id: first && contested ? 'cost' : undefined,
  });
  if (best.length === 0) return [heading, element('p', 'No strategy was shown to be safe here.')];
  return [
    heading,
    element(
      'p',
      contested
        ? 'Milliseconds. Ranked by the time until a key’s capacity is used up: the median of the repetitions’ medians, with their range.'
        : 'Milliseconds. Ranked by the service’s mean time per accepted command: the median of the repetitions, with their range.',
    ),
    tableOf(
      costColumns(contested),
      best.map(cell => costRow(cell, phase, best)),
      'Cost',
    ),
    element('h3', 'Inside the service'),
    tableOf(
      insideColumns,
      best.map(cell => insideRow(cell, phase)),
      'Inside the service',
    ),
  ];
}

const costColumns = (contested: boolean) => [
  { title: 'Strategy' },
  { title: contested ? 'Decided p50' : 'Mean', numeric: true },
  { title: '× best' },
  { title: 'Accepted p50 / p95 / p99 / max', numeric: true },
  ...(contested ? [{ title: 'Refused p50 / p95 / p99 / max', numeric: true }] : []),
  { title: 'Goodput per s', numeric: true },
];

function costRow(cell: CellSummary, phase: PhaseName, best: readonly CellSummary[]) {
  const seen = cell.phases?.[phase];
  const ratio = cell.ranks[phase]?.timesBest ?? 1;
  const worst = Math.max(...best.map(one => one.ranks[phase]?.timesBest ?? 1));
  return {
    cells: [
      { content: `${cell.ranks[phase]?.place ?? ''}. ${cell.strategy.name}` },
      spread(seen?.cost),
      {
        content: times(ratio),
        kind: 'bar',
        style: `--share: ${(ratio / worst).toFixed(3)}`,
      },
      latencies(seen?.accepted),
      ...(phase === 'contested' ? [latencies(seen?.refused)] : []),
      spread(seen?.goodput),
    ],
  };
}

const insideColumns = [
  { title: 'Strategy' },
  { title: 'Pool p50 / p95 / p99', numeric: true },
  { title: 'Wait', numeric: true },
  { title: 'Hold', numeric: true },
  { title: 'Commit', numeric: true },
  { title: 'Attempts per accepted', numeric: true },
  { title: 'Turned away' },
  { title: 'Failed attempts' },
];

function insideRow(cell: CellSummary, phase: PhaseName) {
  const seen = cell.phases?.[phase];
  return {
    cells: [
      cell.strategy.name,
      ...['pool', 'wait', 'hold', 'commit'].map(name => quantiles(seen?.attemptTimes[name])),
      figure(seen?.attemptsPerAccepted),
      turnedAway(cell, phase),
      incidents(cell, phase),
    ],
  };
}

/** The unsafe strategies, with counts. Their cost is irrelevant. */
export function unsafeSection(cells: readonly CellSummary[], { first }: SectionContext): Html[] {
  const bad = unsafe(cells);
  const heading = element('h2', 'Not safe, not ranked', { id: first ? 'unsafe' : undefined });
  if (bad.length === 0) return [heading, element('p', 'The audit found nothing in any cell.')];
  const columns = [
    { title: 'Strategy' },
    { title: 'Duplicates', numeric: true },
    { title: 'On keys', numeric: true },
    { title: 'Max accepted per key', numeric: true },
    { title: 'Max excess per key', numeric: true },
    { title: 'Other kinds' },
    { title: 'Cure' },
  ];
  const rows = bad.map(cell => ({
    cells: [
      { content: [cell.strategy.name, element('small', claimOf(cell))] },
      whole(cell.duplicates),
      `${whole(cell.duplicateKeys)} of ${whole(cell.observed?.keys ?? 0)}`,
      whole(cell.acceptedPerKeyMax),
      whole(cell.excessPerKeyMax),
      otherFindings(cell),
      cell.strategy.hazard?.cure ?? '–',
    ],
  }));
  return [
    heading,
    element('p', 'No cost is shown: an unsafe strategy is not cheaper, it is wrong.'),
    tableOf(columns, rows, 'Unsafe strategies'),
  ];
}
