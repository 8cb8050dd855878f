/** A report as one self-contained page: no external requests, and whole without its scripts. Pure. */
import { chartSvg } from './chart.ts';
import { ecdfSvg } from './ecdf.ts';
import { type Content, element, type Html, inner, page } from './element.ts';
import { formHtml } from './form.ts';
import { nothing } from './format.ts';
import {
  type Block,
  type Cell,
  type Column,
  type Fact,
  type Fold,
  idOf,
  type Report,
  type Row,
  type Section,
  type Table,
  textOf,
  toneOf,
} from './report.ts';
import { stripsSvg } from './strips.ts';
import { tableScript } from './table-script.ts';
import { tradeoffSvg } from './tradeoff.ts';

/** The whole document. */
export function reportHtml(report: Report): string {
  const { title, sections, footer } = report;
  return page(title, [
    header(report),
    element('main', sections.map(sectionHtml)),
    ...(footer === undefined ? [] : [element('footer', footer)]),
    { html: `<script>${tableScript}</script>` },
  ]);
}

function header(report: Report): Html {
  const { title, answer, lines = [], facts = [], warnings = [], sections } = report;
  const links = sections.flatMap(section => linkOf(section) ?? []);
  return element('header', [
    element('h1', title),
    ...(answer === undefined ? [] : [element('p', answer, { class: 'answer' })]),
    ...(lines.length > 0
      ? [
          element(
            'ul',
            lines.map(line => element('li', line)),
            { class: 'lines' },
          ),
        ]
      : []),
    ...(facts.length > 0 ? [factLine(facts)] : []),
    ...warnings.map(warning => element('p', warning, { class: 'banner', role: 'note' })),
    element(
      'nav',
      links.map(link => element('a', link, { href: `#${idOf(link)}` })),
      { 'aria-label': 'Sections' },
    ),
  ]);
}

function factLine(facts: readonly Fact[]): Html {
  const items = facts.map(([name, value]) => element('li', [`${name} `, element('b', value)]));
  return element('ul', items, { class: 'facts' });
}

function linkOf({ title, link = title }: Section): string | undefined {
  return link ?? undefined;
}

export function sectionHtml(section: Section): Html {
  const link = linkOf(section);
  return element('section', [
    element('h2', section.title, { id: link === undefined ? undefined : idOf(link) }),
    ...section.blocks.map(blockHtml),
  ]);
}

function blockHtml(block: Block): Html {
  if (typeof block === 'string') return element('p', block);
  switch (block.kind) {
    case 'table':
      return tableHtml(block);
    case 'fold':
      return foldHtml(block);
    case 'note':
      return element('p', block.text, { class: 'note' });
    case 'heading':
      return element('h3', block.text);
    case 'list':
      return element(
        'ul',
        block.items.map(item => element('li', item, { class: toneOf(item) || undefined })),
        { class: 'items' },
      );
    case 'facts':
      return element(
        'dl',
        block.facts.flatMap(([name, value]) => [element('dt', name), element('dd', value)]),
      );
    case 'code':
      return element('p', [`${block.label}: `, element('code', block.text)]);
    case 'preformatted':
      return element('pre', block.text, { tabindex: '0' }); // a wide one is scrolled by keyboard
    case 'chart':
      return chartSvg(block.chart);
    case 'ecdf':
      return ecdfSvg(block.ecdf);
    case 'tradeoff':
      return tradeoffSvg(block.tradeoff);
    case 'form':
      return formHtml(block.form);
    case 'strips':
      return stripsSvg(block.strips);
  }
}

function foldHtml({ summary, id, blocks }: Fold): Html {
  return element('details', [
    element('summary', summary),
    element('div', blocks.map(blockHtml), { class: 'proof', id }),
  ]);
}

/** Scrolls in its frame; on a narrow screen each row is stacked. */
function tableHtml({ caption, look, columns, rows }: Table): Html {
  const head = columns.map(({ title, kind }) =>
    element('th', title, { scope: 'col', class: kind === 'number' ? 'n' : undefined }),
  );
  const body = rows.flatMap(row => rowHtml(columns, row));
  const table = element('table', [element('thead', element('tr', head)), element('tbody', body)], {
    class: look ? `stack ${look}` : 'stack',
    'aria-label': caption,
  });
  return element('div', table, { class: 'scroll' });
}

function rowHtml(columns: readonly Column[], { cells, broken = false, more }: Row): Html[] {
  const made = cells.map((given, index) => {
    const cell = typeof given === 'string' ? { text: given } : given;
    if (index === 0) return element('th', headOf(cell), { scope: 'row' });
    return cellHtml(cell, columns[index]);
  });
  const kind = broken ? 'broken' : '';
  if (!more) return [element('tr', made, { class: kind || undefined })];
  const below = element('td', foldHtml(more), { colspan: String(columns.length) });
  return [
    element('tr', made, { class: `has-more ${kind}`.trim() }),
    element('tr', below, { class: `more ${kind}`.trim() }),
  ];
}

/** The name of a row may be broken after a dot: "appointment.row-lock.average.hot". */
function headOf(cell: Cell): Content {
  if (cell.target !== undefined || cell.hint !== undefined || !/\.\w/.test(cell.text))
    return contentOf(cell, undefined);
  const parts = cell.text.split(/(?<=\.)(?=\w)/).map(inner);
  const text = { html: parts.join('<wbr>') };
  return cell.small === undefined ? text : [text, element('small', cell.small)];
}

function cellHtml(cell: Cell, column: Column | undefined): Html {
  const text = textOf(cell);
  const classes = [
    column?.kind === 'number' ? 'n' : '',
    column?.kind === 'mark' ? `mark ${toneOf(text)}`.trim() : '',
    cell.share === undefined ? '' : 'bar',
    text === nothing || text === '' ? 'blank' : '',
  ].filter(name => name !== '');
  return element('td', contentOf(cell, column?.kind), {
    class: classes.join(' ') || undefined,
    'data-label': column?.title || undefined,
    style: cell.share === undefined ? undefined : `--share: ${cell.share.toFixed(3)}`,
  });
}

function contentOf(cell: Cell, kind: Column['kind']): Content {
  const shown = shownText(cell, kind);
  return cell.small === undefined ? shown : [shown, element('small', cell.small)];
}

/** A narrow column breaks lists of figures, but no figure: "12.3 ± 0.4", "1.20 ×". */
function unbroken(text: string): string {
  return text.replaceAll(' ± ', '\u00a0±\u00a0').replaceAll(' ×', '\u00a0×');
}

function shownText(cell: Cell, kind: Column['kind']): string | Html {
  const { target, hint, strong } = cell;
  const text = kind === 'number' ? unbroken(cell.text) : cell.text;
  const tone = toneOf(text);
  if (target !== undefined)
    return element('a', text, { href: `#${target}`, 'aria-label': hint, title: hint });
  if (kind === 'verdict' && tone !== '' && text !== nothing)
    return element('span', text, { class: `verdict ${tone}` });
  if (hint !== undefined) return element('span', text, { title: hint });
  return strong ? element('b', text) : text;
}
