/** The report's sections on the cost of safe strategies, and on the unsafe ones. Pure. */

import { figure, latencies, nothing, quantiles, spread, times, whole } from '../page/format.ts';
import { numbers, type Row, type Section, words } from '../page/report.ts';
import {
  claimOf,
  incidents,
  otherFindings,
  phaseTitles,
  ranked,
  turnedAway,
  unsafe,
} from './content.ts';
import type { PhaseName } from './phase-summary.ts';
import type { PlaceOfSection } from './report-verdicts.ts';
import type { CellSummary } from './summary.ts';

/** What a safe strategy costs: as seen by callers, then where the time goes inside the service. */
export function costSection(
  cells: readonly CellSummary[],
  phase: PhaseName,
  { first }: PlaceOfSection,
): Section {
  const best = ranked(cells, phase);
  const contested = phase === 'contested';
  const head = { title: phaseTitles[phase], link: first && contested ? 'Cost' : null };
  if (best.length === 0) return { ...head, blocks: ['No strategy was shown to be safe here.'] };
  return {
    ...head,
    blocks: [
      contested
        ? 'Milliseconds. Ranked by the time until a key’s capacity is used up: the median of the repetitions’ medians, with their range.'
        : 'Milliseconds. Ranked by the service’s mean time per accepted command: the median of the repetitions, with their range.',
      {
        kind: 'table',
        caption: 'Cost',
        columns: [
          ...words('Strategy'),
          ...numbers(contested ? 'Decided p50' : 'Mean'),
          ...words('× best'),
          ...numbers('Accepted p50 / p95 / p99 / max'),
          ...(contested ? numbers('Refused p50 / p95 / p99 / max') : []),
          ...numbers('Goodput per s'),
        ],
        rows: best.map(cell => costRow(cell, phase, best)),
      },
      { kind: 'heading', text: 'Inside the service' },
      {
        kind: 'table',
        caption: 'Inside the service',
        columns: [
          ...words('Strategy'),
          ...numbers('Pool p50 / p95 / p99', 'Wait', 'Hold', 'Commit', 'Attempts per accepted'),
          ...words('Turned away', 'Failed attempts'),
        ],
        rows: best.map(cell => insideRow(cell, phase)),
      },
    ],
  };
}

function costRow(cell: CellSummary, phase: PhaseName, best: readonly CellSummary[]): Row {
  const seen = cell.phases?.[phase];
  const ratio = cell.ranks[phase]?.timesBest ?? 1;
  const worst = Math.max(...best.map(one => one.ranks[phase]?.timesBest ?? 1));
  return {
    cells: [
      `${cell.ranks[phase]?.place ?? ''}. ${cell.strategy.name}`,
      spread(seen?.cost),
      { text: times(ratio), share: ratio / worst },
      latencies(seen?.accepted),
      ...(phase === 'contested' ? [latencies(seen?.refused)] : []),
      spread(seen?.goodput),
    ],
  };
}

function insideRow(cell: CellSummary, phase: PhaseName): Row {
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
export function unsafeSection(cells: readonly CellSummary[], { first }: PlaceOfSection): Section {
  const bad = unsafe(cells);
  const head = { title: 'Not safe, not ranked', link: first ? 'Unsafe' : null };
  if (bad.length === 0) return { ...head, blocks: ['The audit found nothing in any cell.'] };
  return {
    ...head,
    blocks: [
      'No cost is shown: an unsafe strategy is not cheaper, it is wrong.',
      {
        kind: 'table',
        caption: 'Unsafe strategies',
        columns: [
          ...words('Strategy'),
          ...numbers('Duplicates', 'On keys', 'Max accepted per key', 'Max excess per key'),
          ...words('Other kinds', 'Cure'),
        ],
        rows: bad.map(cell => ({
          cells: [
            { text: cell.strategy.name, small: claimOf(cell) },
            whole(cell.duplicates),
            `${whole(cell.duplicateKeys)} of ${whole(cell.observed?.keys ?? 0)}`,
            whole(cell.acceptedPerKeyMax),
            whole(cell.excessPerKeyMax),
            otherFindings(cell),
            cell.strategy.hazard?.cure ?? nothing,
          ],
        })),
      },
    ],
  };
}
