/** Building blocks for pages. All text is escaped unless it is `Html`. Pure. */

import { style } from './style.ts';

/** Text that is already HTML. */
export interface Html {
  readonly html: string;
}

export type Content = string | Html | readonly (string | Html)[];

/** Escapes text for use in content and attributes. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** An element; attribute values and plain text are escaped. Tag and attribute names are constants. */
export function element(
  tag: string,
  content: Content,
  attributes: Readonly<Record<string, string | undefined>> = {},
): Html {
  const pairs = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escaped(value ?? '')}"`);
  return { html: `<${tag}${pairs.join('')}>${inner(content)}</${tag}>` };
}

/** The concatenated content, with plain text escaped. */
export function inner(content: Content): string {
  if (typeof content === 'string') return escaped(content);
  if ('html' in content) return content.html;
  return content.map(part => (typeof part === 'string' ? escaped(part) : part.html)).join('');
}

/** A complete document with the shared style. */
export function page(title: string, body: Content): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
${inner(body)}
</body>
</html>
`;
}

/** A cell of a table. `numeric`: right-aligned, with tabular figures. */
export interface TableCell {
  readonly content: Content;
  readonly numeric?: boolean;
  /** Extra class. */
  readonly kind?: string;
  readonly style?: string;
}

export interface Column {
  readonly title: string;
  readonly numeric?: boolean;
}

export interface TableRow {
  readonly cells: readonly (TableCell | string)[];
  readonly kind?: string;
  /** Shown in an extra row below, across all columns. */
  readonly more?: Content;
}

/** A table that scrolls in its frame; on a narrow screen each row is stacked. */
export function tableOf(
  columns: readonly Column[],
  rows: readonly TableRow[],
  caption: string,
  kind = '',
): Html {
  const head = columns.map(({ title, numeric }) =>
    element('th', title, { scope: 'col', class: numeric ? 'n' : undefined }),
  );
  const body = rows.flatMap(row => rowOf(columns, row));
  const table = element('table', [element('thead', element('tr', head)), element('tbody', body)], {
    class: `stack ${kind}`.trim(),
    'aria-label': caption,
  });
  return element('div', table, { class: 'scroll' });
}

function rowOf(columns: readonly Column[], { cells, kind, more }: TableRow): Html[] {
  const made = cells.map((given, index) => {
    const cell = typeof given === 'string' ? { content: given } : given;
    const { title = '', numeric } = columns[index] ?? {};
    if (index === 0) return element('th', cell.content, { scope: 'row' });
    const blank = cell.content === '–' || cell.content === '';
    const classes = [numeric ? 'n' : '', cell.kind ?? '', blank ? 'blank' : ''].filter(Boolean);
    return element('td', cell.content, {
      class: classes.join(' ') || undefined,
      'data-label': title || undefined,
      style: cell.style,
    });
  });
  if (more === undefined) return [element('tr', made, { class: kind })];
  const row = element('tr', made, { class: `has-more ${kind ?? ''}`.trim() });
  const below = element('td', more, { colspan: String(columns.length) });
  return [row, element('tr', below, { class: `more ${kind ?? ''}`.trim() })];
}
