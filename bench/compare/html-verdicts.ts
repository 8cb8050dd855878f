import { element, type Html, tableOf } from '../page/element.ts';
import { counted, countOrNothing, whole } from '../page/format.ts';
import {
  becauseOf,
  counts,
  inOrder,
  leftOutNotes,
  type Observed,
  otherFindings,
  rerun,
  symbols,
} from './content.ts';
import { evidenceId } from './matrix-marks.ts';
import { type CellSummary, placeOf, type Summary } from './summary.ts';

/** Which place a section is about; only the first one's headings are link targets. */
export interface Section {
  readonly title: string;
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
  return [element('span', strategy.name), element('small', title)];
}

/** Claimed beside observed, with the evidence folded under each row. */
export function verdictSection(
  summary: Summary,
  cells: readonly CellSummary[],
  { title, first }: Section,
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
      { content: [cell.claimed.verdict, element('small', becauseOf(cell))] },
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
    element('h2', `Verdicts: ${title}`, { id: first ? 'verdicts' : undefined }),
    element(
      'p',
      'What each strategy claims beside what an SQL audit found among the committed rows. ' +
        'Seeing nothing is safe only where enough was seen, and where the control was seen to fail.',
    ),
    tableOf(columns, rows, 'Verdicts', 'wide'),
    ...(first ? leftOutNotes(summary) : []).map(note => element('p', note, { class: 'note' })),
  ];
}

function evidence(summary: Summary, cell: CellSummary): Html {
  const { verdict, observed, findings, strategy, events } = cell;
  const facts = observed
    ? `${counted(observed.keys, 'contested key')}: ${whole(observed.keysDecided)} decided, ` +
      `${whole(observed.keysOverlapped)} with overlapping commands, ` +
      `${whole(observed.keysTested)} of those with one accepted, ` +
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
      { class: 'proof', id: evidenceId(placeOf(cell), strategy.name) },
    ),
  ]);
}
