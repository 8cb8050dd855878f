/** The report of a comparison. Pure. */

import { counted } from '../page/format.ts';
import { type Cell, type Report, type Section, words } from '../page/report.ts';
import { conditionRows, durabilityWarning, limits } from './conditions.ts';
import { adoption, adoptionTitles, inOrder, placesOf, subject } from './content.ts';
import { firstLines } from './first-lines.ts';
import { type MatrixCell, matrixOf } from './matrix.ts';
import { cellsOfRow, evidenceId, legendOf, markOf, rowsOf } from './matrix-marks.ts';
import { notRanked } from './ranks.ts';
import { costSection, unsafeSection } from './report-costs.ts';
import { exploredSections } from './report-explored.ts';
import { verdictSection } from './report-verdicts.ts';
import { phaseNames } from './schema.ts';
import type { CellSummary, Summary } from './summary.ts';

/** The whole report, for a page or as Markdown. */
export function compareReport(summary: Summary): Report {
  const { plan, conditions, startedAt, cells } = summary;
  const [answer = '', ...lines] = firstLines(summary);
  return {
    title: `Which lock is right for ${subject(summary)}?`,
    answer,
    lines,
    facts: [
      ['on', startedAt.slice(0, 10)],
      ['commit', conditions.commit.slice(0, 7)],
      ['processes', String(plan.processes)],
      ['callers per key', String(plan.rivals)],
      ['contested keys', `${plan.repetitions} × ${plan.rounds}`],
      ['seed', String(plan.seed)],
      ['Postgres', conditions.postgres.version],
      ['Redis', conditions.redis.version],
    ],
    warnings: warningsOf(summary),
    sections: compareSections(summary),
    footer:
      `Lockstep ${conditions.version}. ${counted(cells.length, 'cell')}, ` +
      `${counted(plan.repetitions, 'repetition')}; generated from the raw data of a single run.`,
  };
}

/** What a reader of the run must know first. */
export function warningsOf(summary: Summary): readonly string[] {
  const incomplete = 'This comparison is incomplete and gives no verdict.';
  return [...(summary.incomplete ? [incomplete] : []), durabilityWarning(summary)].filter(
    warning => warning !== '',
  );
}

/** The sections: verdicts, costs and adoption for each place; then orders, conditions and limits. */
export function compareSections(summary: Summary): readonly Section[] {
  const places = placesOf(summary);
  const whyNone = notRanked(summary.plan.repetitions) || 'No strategy was shown to be safe here.';
  return [
    ...(places.length > 1 ? [overviewSection(summary)] : []),
    ...places.flatMap(({ title, cells }, index) => {
      const place = { title, first: index === 0 };
      return [
        verdictSection(summary, cells, place),
        ...phaseNames.map(phase => costSection(cells, phase, { ...place, whyNone })),
        unsafeSection(cells, place),
        adoptionSection(cells, index === 0),
      ];
    }),
    ...exploredSections(summary),
    {
      title: 'Conditions',
      blocks: [{ kind: 'facts', facts: conditionRows(summary) }],
    },
    {
      title: 'What these numbers do not prove',
      link: 'Limits',
      blocks: [{ kind: 'list', items: limits(summary) }],
    },
  ];
}

/** The matrix of strategies by scenario and variant, ahead of the details. */
function overviewSection(summary: Summary): Section {
  const matrix = matrixOf(summary);
  return {
    title: 'The matrix',
    blocks: [
      `${legendOf(matrix.cells)}.`,
      {
        kind: 'table',
        caption: 'The matrix',
        look: 'matrix',
        columns: [
          ...words('Strategy'),
          ...matrix.places.map(title => ({ title, kind: 'mark' as const })),
        ],
        rows: rowsOf(matrix).map(({ name }) => ({
          cells: [name, ...cellsOfRow(matrix, name).map(cell => (cell ? markCell(cell) : ''))],
        })),
      },
    ],
  };
}

/** Leads to the evidence; a browser opens a closed fold that contains the target. */
function markCell(cell: MatrixCell): Cell {
  const text = markOf(cell);
  if (cell.observed === 'not offered') return { text, hint: cell.because };
  const hint = `${cell.strategy}, ${cell.place}: ${cell.observed}`;
  return { text, hint, target: evidenceId(cell.place, cell.strategy) };
}

function adoptionSection(cells: readonly CellSummary[], first: boolean): Section {
  return {
    title: 'What it takes to adopt',
    link: first ? 'Adoption' : null,
    blocks: [
      'These facts decide as often as safety does.',
      {
        kind: 'table',
        caption: 'Adoption facts',
        columns: words('Strategy', ...adoptionTitles),
        rows: inOrder(cells).map(cell => ({ cells: [cell.strategy.name, ...adoption(cell)] })),
      },
    ],
  };
}
