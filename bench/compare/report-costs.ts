/** The report's sections on the cost of safe strategies, and on the unsafe ones. Pure. */

import type { Ecdf } from '../page/ecdf.ts';
import {
  figure,
  interval,
  latencies,
  nothing,
  quantiles,
  spread,
  times,
  whole,
} from '../page/format.ts';
import { numbers, type Row, type Section, words } from '../page/report.ts';
import {
  claimOf,
  incidents,
  otherFindings,
  phaseTitles,
  placed,
  ranked,
  turnedAway,
  unsafe,
} from './content.ts';
import type { PlaceOfSection } from './report-verdicts.ts';
import type { PhaseName } from './schema.ts';
import type { CellSummary } from './summary.ts';

const ranking =
  'Compared with the control in the same repetition; in brackets the 95 % interval over the ' +
  'repetitions. Strategies whose intervals overlap share a place (=).';

/** What the phases are ranked by; see `costOf`. */
const rankedBy: Readonly<Record<PhaseName, string>> = {
  contested:
    'Milliseconds. Ranked by the time that all callers of a key waited for their answers, accepted ' +
    'or not, per accepted command.',
  alone:
    'Milliseconds. One command at a time, a fresh key each: what the strategy itself costs. Ranked ' +
    'by the service’s mean time per accepted command.',
  busy:
    'Milliseconds. Commands for different keys compete for processor, disk and connections. Ranked ' +
    'by the service’s mean time per accepted command.',
};

/** What a safe strategy costs: as seen by callers, then where the time goes inside the service. */
export function costSection(
  cells: readonly CellSummary[],
  phase: PhaseName,
  { first, whyNone }: PlaceOfSection & { readonly whyNone: string },
): Section {
  const best = ranked(cells, phase);
  const contested = phase === 'contested';
  const head = { title: phaseTitles[phase], link: first && contested ? 'Cost' : null };
  if (best.length === 0) return { ...head, blocks: [whyNone] };
  return {
    ...head,
    blocks: [
      `${rankedBy[phase]} ${ranking}`,
      {
        kind: 'table',
        caption: 'Cost',
        columns: [
          ...words('Strategy'),
          ...numbers(contested ? 'Callers’ time per accepted' : 'Mean', '× control'),
          ...words('× best'),
          ...numbers('Accepted p50 / p99 / max'),
          ...(contested ? numbers('Refused p50 / p99 / max', 'Decided p50') : []),
          ...numbers('Goodput per s'),
        ],
        rows: best.map(cell => costRow(cell, phase, best)),
      },
      { kind: 'ecdf', ecdf: ecdfOf(best, phase) },
      { kind: 'heading', text: 'Inside the service' },
      {
        kind: 'note',
        text:
          'From the service’s histograms, per attempt. – where fewer than ten samples lie beyond a ' +
          'percentile; ≥ where it lies above the largest bound of the histogram.',
      },
      {
        kind: 'table',
        caption: 'Inside the service',
        columns: [
          ...words('Strategy'),
          ...numbers('Pool p50 / p95 / p99', 'Wait', 'Hold', 'Commit', 'Attempts per command'),
          ...words('Turned away', 'Failed attempts'),
        ],
        rows: best.map(cell => insideRow(cell, phase)),
      },
    ],
  };
}

/** Of the cheapest, and of the dearest for comparison. */
const linesMax = 5;

function ecdfOf(best: readonly CellSummary[], phase: PhaseName): Ecdf {
  const dearest = best.slice(linesMax - 1).at(-1);
  const shown = [...best.slice(0, linesMax - 1), ...(dearest ? [dearest] : [])];
  return {
    label: `How long accepted commands took, ${phase}: the share that took at most so long`,
    unit: 'ms, accepted commands; the band spans the repetitions',
    lines: shown.flatMap(({ strategy, phases }) => {
      const seen = phases?.[phase];
      if (!seen) return [];
      const { accepted, acceptedQuantiles: repetitions } = seen;
      return [{ name: strategy.name, count: accepted?.count ?? 0, repetitions }];
    }),
  };
}

function costRow(cell: CellSummary, phase: PhaseName, best: readonly CellSummary[]): Row {
  const seen = cell.phases?.[phase];
  const rank = cell.ranks[phase];
  const ratio = rank?.timesBest ?? 1;
  const worst = Math.max(...best.map(one => one.ranks[phase]?.timesBest ?? 1));
  return {
    cells: [
      placed(cell, phase),
      spread(seen?.cost),
      rank ? interval(rank.toControl) : nothing,
      { text: times(ratio), share: ratio / worst },
      latencies(seen?.accepted),
      ...(phase === 'contested' ? [latencies(seen?.refused), figure(seen?.decided?.p50)] : []),
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
      figure(seen?.attemptsPerCommand),
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
            whole(cell.duplicateKeys),
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
