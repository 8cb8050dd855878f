/** The report as Markdown, with the same content as the page. Pure. */

import {
  boundTitle,
  eventColumns,
  eventTitle,
  exploredIntroduction,
  exploredNotes,
  partText,
  reachText,
  rowNameOf,
} from '../explore/explored.ts';
import {
  counted,
  countOrNothing,
  figure,
  latencies,
  quantiles,
  spread,
  times,
  whole,
} from '../page/format.ts';
import { conditionRows, durabilityWarning, limits } from './conditions.ts';
import {
  adoption,
  adoptionTitles,
  claimOf,
  counts,
  headline,
  incidents,
  inOrder,
  leftOutNotes,
  otherFindings,
  type Place,
  phaseTitles,
  placesOf,
  ranked,
  rerun,
  subject,
  symbols,
  turnedAway,
  unsafe,
} from './content.ts';
import { matrixOf } from './matrix.ts';
import { cellsOfRow, legendOf, markOf, rowsOf } from './matrix-marks.ts';
import type { PhaseName } from './phase-summary.ts';
import type { CellSummary, Summary } from './summary.ts';

/** The whole document, ending with a newline. */
export function markdown(summary: Summary): string {
  const places = placesOf(summary);
  const warning = durabilityWarning(summary);
  const parts = [
    `# Which lock is right for ${text(subject(summary))}?`,
    `**${text(headline(summary))}**`,
    ...(warning === '' ? [] : [`> ${text(warning)}`]),
    ...(places.length > 1 ? overview(summary) : []),
    ...places.flatMap((place, index) => placeParts(summary, place, index === 0)),
    ...exploredPart(summary),
    '## Conditions',
    grid(['What', 'Value'], conditionRows(summary)),
    '## Limits',
    limits(summary)
      .map(limit => `- ${text(limit)}`)
      .join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** The matrix of strategies by scenario and variant. */
function overview(summary: Summary): string[] {
  const matrix = matrixOf(summary);
  const rows = rowsOf(matrix).map(({ name }) => [
    name,
    ...cellsOfRow(matrix, name).map(cell => (cell ? markOf(cell) : '')),
  ]);
  return [
    '## The matrix',
    grid(['Strategy', ...matrix.places], rows),
    `${legendOf(matrix.cells)}.`,
  ];
}

function placeParts(summary: Summary, { title, cells }: Place, first: boolean): string[] {
  return [
    `## Verdicts: ${text(title)}`,
    verdicts(cells),
    ...(first ? leftOutNotes(summary).map(text) : []),
    ...costs('contested', cells),
    ...costs('uncontended', cells),
    ...unsafePart(cells),
    '## Adoption',
    grid(
      ['Strategy', ...adoptionTitles],
      inOrder(cells).map(cell => [cell.strategy.name, ...adoption(cell)]),
    ),
    '## Evidence',
    ...inOrder(cells).map(cell => evidence(summary, cell)),
  ];
}

function exploredPart({ explored }: Summary): string[] {
  if (explored.length === 0) return [];
  const events = eventColumns(explored);
  const rows = explored.map(cell => [
    rowNameOf(cell),
    cell.variant,
    ...events.map(event => partText(cell, event)),
    reachText(cell),
  ]);
  const timelines = explored.flatMap(cell =>
    cell.counterexample
      ? [
          `### A violating order: ${text(`${rowNameOf(cell)}, ${cell.variant}`)}`,
          text(cell.why),
          ['```text', cell.counterexample.timeline.replaceAll('```', "'''"), '```'].join('\n'),
        ]
      : [],
  );
  return [
    '## Every order of two callers',
    text(exploredIntroduction),
    grid(['Strategy', 'Variant', ...events.map(eventTitle), boundTitle], rows),
    ...exploredNotes(explored).map(text),
    ...timelines,
  ];
}

function verdicts(cells: readonly CellSummary[]): string {
  const head = [
    'Strategy',
    'Claimed',
    'Observed',
    'Keys violated',
    'Duplicates',
    'Other kinds',
    'Leases lost',
  ];
  const rows = inOrder(cells).map(cell => [
    cell.strategy.name,
    claimOf(cell),
    `${symbols[cell.verdict.observed]} ${cell.verdict.observed}`,
    counts(cell),
    countOrNothing(cell.duplicates),
    otherFindings(cell),
    countOrNothing(cell.leasesLost),
  ]);
  return grid(head, rows);
}

function costs(phase: PhaseName, cells: readonly CellSummary[]): string[] {
  const best = ranked(cells, phase);
  if (best.length === 0) return [];
  const title = `## ${phaseTitles[phase]}`;
  const cost = phase === 'contested' ? 'Decided p50 (range)' : 'In the service, mean (range)';
  const outside = grid(
    [
      '#',
      'Strategy',
      cost,
      '× best',
      'Accepted p50/p95/p99/max',
      'Refused p50/p95/p99/max',
      'Goodput/s',
    ],
    best.map(cell => [
      String(cell.ranks[phase]?.place ?? ''),
      cell.strategy.name,
      spread(cell.phases?.[phase].cost),
      times(cell.ranks[phase]?.timesBest ?? 1),
      latencies(cell.phases?.[phase].accepted),
      latencies(cell.phases?.[phase].refused),
      spread(cell.phases?.[phase].goodput),
    ]),
  );
  const inside = grid(
    [
      'Strategy',
      'Pool p50/p95/p99',
      'Wait',
      'Hold',
      'Commit',
      'Attempts per accepted',
      'Turned away',
      'Failed attempts',
    ],
    best.map(cell => [
      cell.strategy.name,
      ...['pool', 'wait', 'hold', 'commit'].map(name =>
        quantiles(cell.phases?.[phase].attemptTimes[name]),
      ),
      figure(cell.phases?.[phase].attemptsPerAccepted),
      turnedAway(cell, phase),
      incidents(cell, phase),
    ]),
  );
  return [title, 'Milliseconds; safe strategies only, cheapest first.', outside, inside];
}

function unsafePart(cells: readonly CellSummary[]): string[] {
  const bad = unsafe(cells);
  if (bad.length === 0) return [];
  return [
    '## Not safe, not ranked',
    grid(
      [
        'Strategy',
        'Duplicates',
        'On keys',
        'Max accepted per key',
        'Max excess per key',
        'Other kinds',
        'Why',
        'Cure',
      ],
      bad.map(cell => [
        cell.strategy.name,
        whole(cell.duplicates),
        `${whole(cell.duplicateKeys)} of ${whole(cell.observed?.keys ?? 0)}`,
        whole(cell.acceptedPerKeyMax),
        whole(cell.excessPerKeyMax),
        otherFindings(cell),
        cell.verdict.because,
        cell.strategy.hazard?.cure ?? '',
      ]),
    ),
  ];
}

function evidence(summary: Summary, cell: CellSummary): string {
  const { strategy, verdict, observed, findings, events } = cell;
  const examples = findings.flatMap(one =>
    one.examples.map(row => [row.key, row.kind, row.detail]),
  );
  const lines = [
    `### ${symbols[verdict.observed]} ${text(strategy.name)}`,
    '',
    `${text(strategy.title)}. Claimed ${text(claimOf(cell))}. Observed ${verdict.observed}: ` +
      `${text(verdict.because)}.`,
    '',
    ...(observed
      ? [
          `${counted(observed.keys, 'contested key')}: ${whole(observed.keysDecided)} decided, ` +
            `${whole(observed.keysOverlapped)} with overlapping commands, ` +
            `${whole(observed.keysTested)} of those with a command accepted, ` +
            `${whole(observed.keysUnfilled)} unfilled; events: ${text(events.join(', ') || 'none')}.`,
          '',
        ]
      : []),
    ...(examples.length > 0 ? [grid(['Key', 'Kind', 'What the audit found'], examples), ''] : []),
    `Rerun: \`${rerun(summary, cell)}\``,
  ];
  return lines.join('\n');
}

function grid(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string => `| ${row.map(text).join(' | ')} |`;
  return [line(head), `|${head.map(() => ' --- |').join('')}`, ...rows.map(line)].join('\n');
}

/** Escapes characters that are special in Markdown or HTML. */
function text(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_{}[\]|#]/g, character => `\\${character}`)
    .replaceAll(/\s+/g, ' ');
}
