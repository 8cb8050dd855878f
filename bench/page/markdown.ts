/** A report as Markdown, and the one writer of Markdown tables. Pure. */
import { markdownTable } from 'markdown-table';
import {
  type Block,
  type Cell,
  type Column,
  type Fold,
  type Report,
  type Section,
  type Table,
  textOf,
} from './report.ts';

/** The whole document, ending with a newline. What stands behind a row comes at the end. */
export function reportMarkdown(report: Report): string {
  const { title, answer, facts = [], warnings = [], sections, footer } = report;
  const details = sections.flatMap(detailsOf);
  const parts = [
    `# ${markdownText(title)}`,
    ...(answer === undefined ? [] : [`**${markdownText(answer)}**`]),
    ...(facts.length > 0 ? [factList(facts)] : []),
    ...warnings.map(warning => `> ${markdownText(warning)}`),
    ...sections.flatMap(sectionParts),
    ...(details.length > 0 ? ['## Details', ...details] : []),
    ...(footer === undefined ? [] : [markdownText(footer)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/**
 * A table of cells that are Markdown already. Whatever would end a cell or begin an element is escaped;
 * `<br>` may stay.
 */
export function tableMarkdown(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const cell = (text: string): string =>
    text
      .replaceAll(/\s+/g, ' ')
      .replaceAll('|', '\\|')
      .replaceAll(/<(?!br>)/g, '&lt;');
  const lines = [columns.map(({ title }) => title), ...rows].map(row => row.map(cell));
  return markdownTable(lines, {
    align: columns.map(({ kind }) => (kind === 'number' ? 'r' : undefined)),
    alignDelimiters: false, // a cell may hold a sentence: padding would make every line as long
  });
}

/** Text without the characters that are special in Markdown or HTML; a table escapes `|` itself. */
export function markdownText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_{}[\]#]/g, character => `\\${character}`)
    .replaceAll(/\s+/g, ' ');
}

function sectionParts({ title, blocks }: Section): readonly string[] {
  return [`## ${markdownText(title)}`, ...blocks.flatMap(blockParts)];
}

function blockParts(block: Block): readonly string[] {
  if (typeof block === 'string') return [markdownText(block)];
  switch (block.kind) {
    case 'table':
      return [ofTable(block)];
    case 'fold':
      return [`**${markdownText(block.summary)}**`, ...block.blocks.flatMap(blockParts)];
    case 'note':
      return [markdownText(block.text)];
    case 'heading':
      return [`### ${markdownText(block.text)}`];
    case 'list':
      return block.items.length > 0 ? [listOf(block.items.map(markdownText))] : [];
    case 'facts':
      return [factList(block.facts)];
    case 'code':
      return [`${markdownText(block.label)}: ${codeSpan(block.text)}`];
    case 'preformatted':
      return [['```text', block.text.replaceAll('```', "'''"), '```'].join('\n')];
    case 'chart':
    case 'strips':
      return [];
  }
}

/** Fenced by more backticks than the text has in a row. */
function codeSpan(text: string): string {
  const runs = [...text.matchAll(/`+/g)].map(([run]) => run.length);
  const fence = '`'.repeat(Math.max(0, ...runs) + 1);
  return runs.length === 0 ? `${fence}${text}${fence}` : `${fence} ${text} ${fence}`;
}

function factList(facts: readonly (readonly [string, string])[]): string {
  return listOf(facts.map(([name, value]) => `${markdownText(name)}: ${markdownText(value)}`));
}

const listOf = (items: readonly string[]): string => items.map(item => `- ${item}`).join('\n');

function ofTable({ columns, rows }: Table): string {
  return tableMarkdown(
    columns.map(column => ({ ...column, title: markdownText(column.title) })),
    rows.map(({ cells }) => cells.map(cellText)),
  );
}

function cellText(cell: Cell | string): string {
  const text = markdownText(textOf(cell));
  if (typeof cell === 'string') return text;
  const shown = cell.strong ? `**${text}**` : text;
  return cell.small === undefined ? shown : `${shown}: ${markdownText(cell.small)}`;
}

/** What stands behind the rows of a section's tables, under the name of section and row. */
function detailsOf({ title, blocks }: Section): readonly string[] {
  return blocks.flatMap(block =>
    typeof block === 'string' || block.kind !== 'table'
      ? []
      : block.rows.flatMap(({ cells, more }) =>
          more ? behindRow(`${title}: ${textOf(cells[0] ?? '')}`, more) : [],
        ),
  );
}

function behindRow(title: string, { blocks }: Fold): readonly string[] {
  return [`### ${markdownText(title)}`, ...blocks.flatMap(blockParts)];
}
