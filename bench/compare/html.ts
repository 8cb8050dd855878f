/** The report as one self-contained page: no scripts, no external requests. Pure. */

import { element, type Html, page, tableOf } from '../page/element.ts';
import { counted } from '../page/format.ts';
import { conditionRows, durabilityWarning, limits } from './conditions.ts';
import {
  adoption,
  adoptionTitles,
  headline,
  inOrder,
  type Observed,
  placesOf,
  subject,
} from './content.ts';
import { costSection, unsafeSection } from './html-costs.ts';
import { exploredSection } from './html-explored.ts';
import { verdictSection } from './html-verdicts.ts';
import { type MatrixCell, matrixOf } from './matrix.ts';
import { cellsOfRow, evidenceId, legendOf, markOf, rowsOf } from './matrix-marks.ts';
import type { CellSummary, Summary } from './summary.ts';

/** The whole document. */
export function html(summary: Summary): string {
  const title = `Which lock is right for ${subject(summary)}?`;
  const body = [header(summary, title), element('main', mainParts(summary)), footer(summary)];
  return page(
    title,
    body.flatMap(part => [part, { html: '\n' }]),
  );
}

function header(summary: Summary, title: string): Html {
  const { plan, conditions, startedAt } = summary;
  const fact = (label: string, value: string): Html =>
    element('li', [`${label} `, element('b', value)]);
  const warnings = [
    summary.incomplete ? 'This result is incomplete and gives no verdict.' : '',
    durabilityWarning(summary),
  ].filter(warning => warning !== '');
  return element('header', [
    element('h1', title),
    element('p', headline(summary), { class: 'answer' }),
    element(
      'ul',
      [
        fact('on', startedAt.slice(0, 10)),
        fact('commit', conditions.commit.slice(0, 7)),
        fact('processes', String(plan.processes)),
        fact('callers per key', String(plan.rivals)),
        fact('contested keys', `${plan.repetitions} × ${plan.rounds}`),
        fact('seed', String(plan.seed)),
        fact('Postgres', conditions.postgres.version),
        fact('Redis', conditions.redis.version),
      ],
      { class: 'facts' },
    ),
    ...warnings.map(warning => element('p', warning, { class: 'banner', role: 'note' })),
    element(
      'nav',
      sectionIds(summary).map(id =>
        element('a', id[0]?.toUpperCase() + id.slice(1), { href: `#${id}` }),
      ),
      { 'aria-label': 'Sections' },
    ),
  ]);
}

/** The ids of the sections of a comparison's page. */
export function sectionIds({ explored }: Summary): string[] {
  const sections = ['verdicts', 'cost', 'unsafe', 'adoption', 'explored', 'conditions', 'limits'];
  return sections.filter(id => id !== 'explored' || explored.length > 0);
}

/** The body of a comparison's page, without its header. */
export function mainParts(summary: Summary): readonly Html[] {
  const places = placesOf(summary);
  const sections = places.flatMap(({ title, cells }, index) => {
    const place = { title, first: index === 0 };
    return [
      ...verdictSection(summary, cells, place),
      ...costSection(cells, 'contested', place),
      ...costSection(cells, 'uncontended', place),
      ...unsafeSection(cells, place),
      ...adoptionSection(cells, index === 0),
    ];
  });
  return [
    ...(places.length > 1 ? overviewSection(summary) : []),
    ...sections,
    ...exploredSection(summary),
    ...conditionsSection(summary),
    ...limitsSection(summary),
  ];
}

/** The matrix of strategies by scenario and variant, ahead of the details. */
function overviewSection(summary: Summary): Html[] {
  const matrix = matrixOf(summary);
  const rows = rowsOf(matrix).map(({ name }) => ({
    cells: [
      name,
      ...cellsOfRow(matrix, name).map(cell => ({
        content: cell ? evidenceLink(cell) : '',
        ...(cell && { kind: `mark ${kindOf(cell)}` }),
      })),
    ],
  }));
  const columns = [{ title: 'Strategy' }, ...matrix.places.map(title => ({ title }))];
  return [
    element('h2', 'The matrix'),
    element('p', `${legendOf(summary.cells.map(({ verdict }) => verdict))}.`),
    tableOf(columns, rows, 'The matrix', 'matrix'),
  ];
}

/** Links to the evidence; a browser opens a closed <details> that contains the target. */
function evidenceLink(cell: MatrixCell): Html {
  if (cell.observed === 'not offered')
    return element('span', markOf(cell), { title: cell.because });
  const name = `${cell.strategy}, ${cell.place}: ${cell.observed}`;
  return element('a', markOf(cell), {
    href: `#${evidenceId(cell.place, cell.strategy)}`,
    'aria-label': name,
    title: name,
  });
}

function kindOf({ observed }: { readonly observed: Observed }): string {
  return observed === 'safe' ? 'good' : observed === 'unsafe' ? 'bad' : 'open';
}

function adoptionSection(cells: readonly CellSummary[], first: boolean): Html[] {
  const columns = [{ title: 'Strategy' }, ...adoptionTitles.map(title => ({ title }))];
  const rows = inOrder(cells).map(cell => ({ cells: [cell.strategy.name, ...adoption(cell)] }));
  return [
    element('h2', 'What it takes to adopt', { id: first ? 'adoption' : undefined }),
    element('p', 'These facts decide as often as safety does.'),
    tableOf(columns, rows, 'Adoption facts'),
  ];
}

function conditionsSection(summary: Summary): Html[] {
  const rows = conditionRows(summary).flatMap(([label, value]) => [
    element('dt', label),
    element('dd', label === 'Command' ? element('code', value) : value),
  ]);
  return [element('h2', 'Conditions', { id: 'conditions' }), element('dl', rows)];
}

function limitsSection(summary: Summary): Html[] {
  const items = limits(summary).map(limit => element('li', limit));
  return [
    element('h2', 'What these numbers do not prove', { id: 'limits' }),
    element('ul', items, { class: 'limits' }),
  ];
}

function footer(summary: Summary): Html {
  const { plan, cells } = summary;
  return element(
    'footer',
    `Lockstep ${summary.conditions.version}. ${counted(cells.length, 'cell')}, ` +
      `${counted(plan.repetitions, 'repetition')}; generated from the raw data of a single run.`,
  );
}
