import { findings } from '../ending.ts';
import { letter } from '../search/choice.ts';
import { type TimelineRow, timelineRows } from './rows.ts';
import type { TimelineSource } from './text.ts';

const columnWidth = 360;
const gutterWidth = 40;
const rowHeight = 30;
const headHeight = 44;
const charactersMax = 52;

const fills: Readonly<Record<TimelineRow['kind'], string>> = {
  step: '#e8f0fe',
  waits: '#fef3d6',
  'goes on': '#e3f4e6',
  event: '#fde4e1',
};

/**
 * The timeline as a picture: one column per actor, time downwards, waits and events in colours of
 * their own, and what the audit found below. Self-contained: no fonts or styles from elsewhere.
 */
export function timelineSvg(source: TimelineSource): string {
  const { actors, counterexample } = source;
  const rows = timelineRows(counterexample.record.lines);
  const found = findings(counterexample.record);
  const width = gutterWidth + actors.length * columnWidth;
  const height = headHeight + (rows.length + found.length + 1) * rowHeight + 12;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"`,
    `  font-family="ui-monospace, monospace" font-size="11">`,
    `<title>${xml(`schedule ${counterexample.schedule}`)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...actors.map((name, at) => head(`${letter(at)} ${name}`, at, height)),
    ...rows.map((row, at) => cell(row, at, width)),
    ...found.map((text, at) => finding(text, rows.length + at, width)),
    `<text x="8" y="${height - 14}" fill="#555">schedule ${xml(counterexample.schedule)}</text>`,
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function head(name: string, at: number, height: number): string {
  const x = gutterWidth + at * columnWidth;
  return (
    `<text x="${x + 8}" y="26" font-weight="bold" fill="#111">${xml(name)}</text>` +
    `<line x1="${x}" y1="8" x2="${x}" y2="${height - 8}" stroke="#ddd"/>`
  );
}

function cell(row: TimelineRow, at: number, width: number): string {
  const y = headHeight + at * rowHeight;
  const across = row.actor === undefined;
  const x = gutterWidth + (row.actor ?? 0) * columnWidth;
  const number =
    row.kind === 'goes on' ? '' : `<text x="8" y="${y + 18}" fill="#777">${row.number}</text>`;
  return (
    number +
    `<rect x="${x + 4}" y="${y + 2}" width="${across ? width - gutterWidth - 8 : columnWidth - 8}"` +
    ` height="${rowHeight - 4}" rx="4" fill="${fills[row.kind]}"/>` +
    `<text x="${x + 12}" y="${y + 18}" fill="#111">${xml(shortened(row.text))}` +
    `<title>${xml(row.text)}</title></text>`
  );
}

function finding(text: string, at: number, width: number): string {
  const y = headHeight + at * rowHeight;
  return (
    `<rect x="4" y="${y + 2}" width="${width - 8}" height="${rowHeight - 4}" rx="4" fill="#d93025"/>` +
    `<text x="12" y="${y + 18}" fill="#ffffff">audit: ${xml(text.slice(0, 2 * charactersMax))}</text>`
  );
}

/** Keeps the beginning and the result; the tooltip has the rest. */
function shortened(text: string): string {
  if (text.length <= charactersMax) return text;
  const [label = '', result] = text.split(' → ');
  if (result === undefined) return `${label.slice(0, charactersMax - 1)}…`;
  const end = ` → ${result.slice(0, 18)}`;
  return `${label.slice(0, Math.max(8, charactersMax - end.length - 1))}…${end}`;
}

function xml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
