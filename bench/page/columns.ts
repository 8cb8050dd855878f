/** Lines of a terminal: columns, and words that do not fit. Pure. */
import { stripVTControlCharacters } from 'node:util';

export const columnsMax = 100;

const gap = '  ';
const indent = '    ';

/** Columns as wide as their widest cell; `alignment` has an l or an r for each. */
export function laid(rows: readonly (readonly string[])[], alignment: string): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map(row => (row[column] ?? '').length)),
  );
  return rows.map(row =>
    row
      .map((text, column) => {
        const width = widths[column] ?? 0;
        return alignment[column] === 'r' ? text.padStart(width) : text.padEnd(width);
      })
      .join(gap)
      .trimEnd(),
  );
}

/** Cuts what would break the columns. */
export function shortened(text: string, width = 25): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** Breaks a line of words that is too long and indents what follows. Colours take no room. */
export function wrapped(line: string): string[] {
  const room = (text: string): number => stripVTControlCharacters(text).length;
  if (room(line) <= columnsMax) return [line];
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (room(longer) > columnsMax && current.trim() !== '') {
      lines.push(current);
      current = `${indent}${word}`;
    } else current = longer;
  }
  return [...lines, current];
}
