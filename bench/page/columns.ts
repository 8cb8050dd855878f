/** Text layout for terminals: columns and line wrapping. Pure. */
import { stripVTControlCharacters } from 'node:util';

export const columnsMax = 100;

const gap = '  ';
const indent = '    ';

/** Pads columns to their widest cell; `alignment` has an l or r per column. */
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

/** Truncates text to a column's width. */
export function shortened(text: string, width = 25): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** Wraps a line that is too long and indents the rest. Colour codes do not count. */
export function wrapped(line: string): string[] {
  const widthOf = (text: string): number => stripVTControlCharacters(text).length;
  if (widthOf(line) <= columnsMax) return [line];
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (widthOf(longer) > columnsMax && current.trim() !== '') {
      lines.push(current);
      current = `${indent}${word}`;
    } else current = longer;
  }
  return [...lines, current];
}
