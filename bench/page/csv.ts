/** The tables of a report as one CSV file: per table its section and head, then its rows. Pure. */
import { type Section, type Table, textOf } from './report.ts';

export function sectionsCsv(sections: readonly Section[]): string {
  const lines = sections.flatMap(({ title, blocks }) =>
    blocks.flatMap(block =>
      typeof block === 'string' || block.kind !== 'table' ? [] : tableLines(title, block),
    ),
  );
  return lines.map(cells => `${cells.map(field).join(',')}\n`).join('');
}

function tableLines(title: string, { columns, rows }: Table): (readonly string[])[] {
  return [
    ['section', ...columns.map(column => column.title)],
    ...rows.map(({ cells }) => [title, ...cells.map(textOf)]),
  ];
}

const field = (text: string): string =>
  /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
