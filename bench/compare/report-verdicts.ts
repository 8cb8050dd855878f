/** The report's section on what each strategy claims and what was observed. Pure. */
import { counted, countOrNothing, percent, whole } from '../page/format.ts';
import {
  type Block,
  type Cell,
  type Fold,
  numbers,
  type Section,
  verdicts,
  words,
} from '../page/report.ts';
import {
  becauseOf,
  contention,
  counts,
  inOrder,
  leftOutNotes,
  otherFindings,
  power,
  rerun,
  symbols,
} from './content.ts';
import { evidenceId } from './matrix-marks.ts';
import { type CellSummary, placeOf, type Summary } from './summary.ts';

/** The scenario and variant of a section; only the sections of the first one are in the navigation. */
export interface PlaceOfSection {
  readonly title: string;
  readonly first: boolean;
}

/** Claimed and observed verdicts; behind each row is its evidence. */
export function verdictSection(
  summary: Summary,
  cells: readonly CellSummary[],
  { title, first }: PlaceOfSection,
): Section {
  return {
    title: `Verdicts: ${title}`,
    link: first ? 'Verdicts' : null,
    blocks: [
      'What each strategy claims, and what an SQL audit found in the committed rows. Finding nothing ' +
        'counts as safe only if enough keys were tested and the audit saw the control fail. ' +
        'Contention: the share of commands that met a rival on their key. Power: the share of the ' +
        'control’s keys that were violated under the same load.',
      {
        kind: 'table',
        caption: 'Verdicts',
        look: 'wide',
        columns: [
          ...words('Strategy', 'Claimed'),
          verdicts('Observed'),
          ...numbers('Keys violated', 'Contention', 'Power', 'Duplicates'),
          ...words('Other kinds'),
          ...numbers('Leases lost'),
        ],
        rows: inOrder(cells).map(cell => ({
          cells: [
            nameCell(cell),
            { text: cell.claimed.verdict, small: becauseOf(cell) },
            `${symbols[cell.verdict.observed]} ${cell.verdict.observed}`,
            counts(cell),
            contention(cell),
            power(cell),
            countOrNothing(cell.duplicates),
            otherFindings(cell),
            countOrNothing(cell.leasesLost),
          ],
          more: evidence(summary, cell),
          broken: cell.verdict.agreement === 'claim violated',
        })),
      },
      ...(first ? leftOutNotes(summary) : []).map((text): Block => ({ kind: 'note', text })),
    ],
  };
}

function nameCell({ strategy }: CellSummary): Cell {
  const notes = [
    strategy.control ? 'control' : '',
    strategy.source === 'outside' ? 'external file' : '',
  ].filter(note => note !== '');
  return { text: strategy.name, small: [strategy.title, ...notes].join(' · ') };
}

function evidence(summary: Summary, cell: CellSummary): Fold {
  const { verdict, findings, strategy } = cell;
  const examples = findings.flatMap(one => one.examples);
  const found = findings
    .map(one => `${one.kind}: ${counted(one.rows, 'row')} on ${counted(one.keys, 'key')}`)
    .join('; ');
  return {
    kind: 'fold',
    summary: 'Evidence',
    id: evidenceId(placeOf(cell), strategy.name),
    blocks: [
      `Observed ${verdict.observed}: ${verdict.because}.`,
      factsOf(cell),
      ...(examples.length > 0
        ? [
            `${found}. The worst:`,
            {
              kind: 'table' as const,
              caption: 'Violating rows',
              columns: words('Key', 'Kind', 'What the audit found'),
              rows: examples.map(({ key, kind, detail }) => ({ cells: [key, kind, detail] })),
            },
          ]
        : []),
      { kind: 'code', label: 'Rerun', text: rerun(summary, cell) },
    ],
  };
}

function factsOf({ observed, strategy, events, familyBound }: CellSummary): string {
  if (!observed) return 'Not run.';
  const family =
    familyBound === undefined
      ? ''
      : ` For all such cells of the run at once the share is below ${percent(familyBound)}.`;
  const guard = strategy.guard.length > 0 ? `, guard ${strategy.guard.join(', ')}` : '';
  return (
    `${counted(observed.keys, 'contested key')}: ${whole(observed.keysDecided)} decided, ` +
    `${whole(observed.keysOverlapped)} with overlapping commands, ` +
    `${whole(observed.keysTested)} of those with a command accepted, ` +
    `${whole(observed.keysUnfilled)} unfilled. ` +
    `On ${counted(observed.keysDecidedTogether, 'key')} rivals were between deciding read and COMMIT at once. ` +
    `${whole(observed.commandsMet)} of ${counted(observed.commands, 'command')} met a rival.${family} Events: ${events.join(', ') || 'none'}. ` +
    `Isolation ${strategy.isolation}, wording “${strategy.wording}”${guard}.`
  );
}
