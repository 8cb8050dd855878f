/** The sections of the page that are about strategies. Pure. */
import type { PhaseName } from '../results/phase-summary.ts';
import type { CellSummary, Summary } from '../results/summary.ts';
import {
  claimOf,
  counts,
  incidents,
  inOrder,
  type Observed,
  otherFindings,
  phaseTitles,
  ranked,
  rerun,
  symbols,
  troubles,
  unsafe,
} from './content.ts';
import { element, type Html, tableOf } from './element.ts';
import {
  counted,
  countOrNothing,
  figure,
  latencies,
  quantiles,
  spread,
  times,
  whole,
} from './format.ts';

/** Which variant a section is about; only the first one's headings are link targets. */
export interface Place {
  readonly variant: string;
  readonly first: boolean;
}

const kinds: Readonly<Record<Observed, string>> = {
  safe: 'safe',
  unsafe: 'unsafe',
  'no claim': 'open',
  inconclusive: 'open',
  'not offered': 'none',
};

function badge(observed: Observed): Html {
  return element('span', `${symbols[observed]} ${observed}`, {
    class: `verdict ${kinds[observed]}`,
  });
}

function nameOf({ strategy }: CellSummary): Html[] {
  const notes = [
    strategy.control ? 'the control' : '',
    strategy.source === 'outside' ? 'from outside' : '',
  ].filter(note => note !== '');
  const title = [strategy.title, ...notes].join(' · ');
  return [{ html: element('span', strategy.name).html }, element('small', title)];
}

/** Claimed beside observed, with the evidence folded under each row. */
export function verdictSection(
  summary: Summary,
  cells: readonly CellSummary[],
  { variant, first }: Place,
): Html[] {
  const columns = [
    { title: 'Strategy' },
    { title: 'Claimed' },
    { title: 'Observed' },
    { title: 'Keys violated', numeric: true },
    { title: 'Duplicates', numeric: true },
    { title: 'Other kinds' },
    { title: 'Leases lost', numeric: true },
  ];
  const rows = inOrder(cells).map(cell => ({
    cells: [
      { content: nameOf(cell) },
      { content: [cell.claimed.verdict, element('small', cell.claimed.because)] },
      { content: badge(cell.verdict.observed) },
      counts(cell),
      countOrNothing(cell.duplicates),
      otherFindings(cell),
      countOrNothing(cell.leasesLost),
    ],
    more: evidence(summary, cell),
    ...(cell.verdict.agreement === 'claim violated' && { kind: 'broken' }),
  }));
  return [
    element('h2', `Verdicts: ${summary.plan.scenario}/${variant}`, {
      id: first ? 'verdicts' : undefined,
    }),
    element(
      'p',
      'What each strategy claims beside what an SQL audit found among the committed rows. ' +
        'Seeing nothing is safe only where enough was seen, and where the control was seen to fail.',
    ),
    tableOf(columns, rows, 'Verdicts'),
  ];
}

function evidence(summary: Summary, cell: CellSummary): Html {
  const { verdict, observed, findings, strategy, events } = cell;
  const facts = observed
    ? `${counted(observed.keys, 'contested key')}: ${whole(observed.keysDecided)} decided, ` +
      `${whole(observed.keysOverlapped)} with overlapping commands, ` +
      `${whole(observed.keysUnfilled)} left with room. Events: ${events.join(', ') || 'none'}. ` +
      `Isolation ${strategy.isolation}, wording “${strategy.wording}”` +
      `${strategy.guard.length > 0 ? `, guard ${strategy.guard.join(', ')}` : ''}.`
    : 'Not run.';
  const examples = findings.flatMap(one =>
    one.examples.map(row => ({ cells: [row.key, row.kind, row.detail] })),
  );
  const found = findings
    .map(one => `${one.kind}: ${counted(one.rows, 'row')} on ${counted(one.keys, 'key')}`)
    .join('; ');
  const columns = [{ title: 'Key' }, { title: 'Kind' }, { title: 'What the audit found' }];
  return element('details', [
    element('summary', 'Evidence'),
    element(
      'div',
      [
        element('p', `Observed ${verdict.observed}: ${verdict.because}.`),
        element('p', facts),
        ...(examples.length > 0
          ? [element('p', `${found}. The worst:`), tableOf(columns, examples, 'Violating rows')]
          : []),
        element('p', ['Again: ', element('code', rerun(summary, cell))]),
      ],
      { class: 'proof' },
    ),
  ]);
}

/** What a safe strategy costs: what callers saw, then where the time went inside the service. */
export function costSection(
  cells: readonly CellSummary[],
  phase: PhaseName,
  { first }: Place,
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
        ? 'Milliseconds. Ranked by the time until the last place of a key is filled: the median of the repetitions’ medians, with their range.'
        : 'Milliseconds. Ranked by the mean time that the service spends on an accepted command: the median of the repetitions, with their range.',
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
        style: `--share: ${((ratio / worst) * 100).toFixed(1)}%`,
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
  { title: 'Busy', numeric: true },
  { title: 'Unfilled keys', numeric: true },
  { title: 'Failed', numeric: true },
  { title: 'Unknown', numeric: true },
  { title: 'Failed attempts' },
];

function insideRow(cell: CellSummary, phase: PhaseName) {
  const seen = cell.phases?.[phase];
  return {
    cells: [
      cell.strategy.name,
      ...['pool', 'wait', 'hold', 'commit'].map(name => quantiles(seen?.attemptTimes[name])),
      figure(seen?.attemptsPerAccepted),
      ...troubles(cell, phase),
      incidents(cell, phase),
    ],
  };
}

/** Those that let something through, with their counts. What they cost is no argument. */
export function unsafeSection(cells: readonly CellSummary[], { first }: Place): Html[] {
  const bad = unsafe(cells);
  const heading = element('h2', 'Not safe, not ranked', { id: first ? 'unsafe' : undefined });
  if (bad.length === 0) return [heading, element('p', 'The audit found nothing in any cell.')];
  const columns = [
    { title: 'Strategy' },
    { title: 'Duplicates', numeric: true },
    { title: 'On keys', numeric: true },
    { title: 'Most accepted on a key', numeric: true },
    { title: 'Most in excess', numeric: true },
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
    element('p', 'What a wrong strategy costs is no argument for it, so no cost is shown.'),
    tableOf(columns, rows, 'Unsafe strategies'),
  ];
}
