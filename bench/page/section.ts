/** A table with title, notes and findings, rendered as Markdown, HTML and CSV. Pure. */
import { type Chart, chartSvg } from './chart.ts';
import { element, type Html, tableOf } from './element.ts';

export interface Section {
  readonly title: string;
  readonly notes: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Conclusions, shown below the table. */
  readonly findings?: readonly string[];
  /** Figures on an axis, for a chart. */
  readonly chart?: Chart;
}

export function sectionMarkdown({ title, notes, columns, rows, findings = [] }: Section): string {
  const safe = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  const line = (cells: readonly string[]): string => `| ${cells.map(safe).join(' | ')} |`;
  const table = [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
  const list = findings.map(finding => `- ${safe(finding)}`).join('\n');
  return [`## ${title}`, ...notes, table, ...(list === '' ? [] : [list])].join('\n\n');
}

export function sectionHtml({ title, notes, columns, rows, findings = [], chart }: Section): Html {
  const heads = columns.map((column, index) => ({
    title: column,
    numeric: index > 0 && !wordy(column),
  }));
  const made = rows.map(cells => ({
    cells: cells.map(content => ({ content, kind: kindOf(content) })),
  }));
  const list = findings.map(finding => element('li', finding, { class: kindOf(finding) }));
  return element('section', [
    element('h2', title, { id: idOf(title) }),
    ...notes.map(note => element('p', note)),
    tableOf(heads, made, title),
    ...(list.length > 0 ? [element('ul', list)] : []),
    ...(chart ? [chartSvg(chart)] : []),
  ]);
}

/** One file: section, then a header, then rows. */
export function sectionsCsv(sections: readonly Section[]): string {
  const field = (text: string): string =>
    /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const line = (cells: readonly string[]): string => cells.map(field).join(',');
  return sections
    .flatMap(({ title, columns, rows }) => [
      line(['section', ...columns]),
      ...rows.map(row => line([title, ...row])),
    ])
    .join('\n')
    .concat('\n');
}

/** Facts by name, as a definition list. */
export function factsHtml(facts: readonly (readonly [string, string])[]): Html {
  return element(
    'dl',
    facts.flatMap(([name, value]) => [element('dt', name), element('dd', value)]),
  );
}

export function factsMarkdown(facts: readonly (readonly [string, string])[]): string {
  return facts.map(([name, value]) => `- ${name}: ${value}`).join('\n');
}

export function limitsHtml(limits: readonly string[]): Html {
  return element(
    'ul',
    limits.map(limit => element('li', limit)),
    { class: 'limits' },
  );
}

export const idOf = (title: string): string => title.toLowerCase().replace(/[^a-z]+/g, '-');

const wordy = (column: string): boolean => ['claimed', 'observed'].includes(column);

function kindOf(content: string): string {
  if (content.startsWith('✓')) return 'safe';
  if (content.startsWith('✗')) return 'unsafe';
  return content.startsWith('?') ? 'open' : '';
}
