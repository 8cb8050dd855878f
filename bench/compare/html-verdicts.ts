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

/** The scenario and variant of a section; only the headings of the first one have ids. */
export interface SectionContext {
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
    strategy.control ? 'control' : '',
    strategy.source === 'outside' ? 'external file' : '',
  ].filter(note => note !== '');
  const title = [strategy.title, ...notes].join(' · ');
  return [element('span', strategy.name), element('small', title)];
}

/** Claimed and observed verdicts; each row expands to its evidence. */
export function verdictSection(
  summary: Summary,
  cells: readonly CellSummary[],
  { title, first }: SectionContext,
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
      'What each strategy claims, and what an SQL audit found in the committed rows. Finding nothing ' +
        'counts as safe only if enough keys were tested and the audit saw the control fail.',
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
      `${whole(observed.keysTested)} of those with a command accepted, ` +
      `${whole(observed.keysUnfilled)} unfilled. Events: ${events.join(', ') || 'none'}. ` +
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
        element('p', ['Rerun: ', element('code', rerun(summary, cell))]),
      ],
      { class: 'proof', id: evidenceId(placeOf(cell), strategy.name) },
    ),
  ]);
}
