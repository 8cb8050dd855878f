import type { Rewritten } from './cures.ts';
import type { WhatIf, WhatIfRow } from './what-if.ts';

const head = [
  'cure',
  'wrong',
  'in an error',
  'waited',
  'round trips',
  'migration',
  'like',
] as const;

/** The rows of a what-if, and below them what each cure says and asks for. */
export function whatIfText({ asIs, rows, why }: WhatIf, title: string, markdown = false): string {
  if (why !== undefined) {
    const right = asIs.outcome === 'safe' || asIs.outcome === 'independent';
    return `${title}: ${right ? 'nothing to cure' : 'not known what to cure'}: ${why}\n`;
  }
  const before = asIs.serial?.orders;
  const wrong =
    (before?.['effects differ'] ?? 0) +
    (before?.['only answers differ'] ?? 0) +
    (before?.['never ends'] ?? 0);
  const first = ['as it is', `${wrong} of ${asIs.orders}`, String(errorsOf(asIs.serial?.orders))];
  const cells = [[...first, `${asIs.waited} of ${asIs.orders}`, '', '', ''], ...rows.map(cellsOf)];
  return [
    `${title}: the same callers under each cure; what was tried is rewritten, and not the code itself`,
    ...(asIs.explained === undefined ? [] : [`In words: ${asIs.explained.words}`]),
    '',
    ...(markdown ? markdownTable(cells) : plainTable(cells)),
    '',
    ...rows.flatMap(one => notesOf(one, markdown)),
    'wrong: orders that differ from every serial order, or never end; in an error: orders in which a caller ended',
    'with an error that asks for a retry; waited: orders in which somebody waited for a lock. What the strategies',
    'of the last column cost under load is in docs/load.md.',
    '',
  ].join('\n');
}

function errorsOf(orders: Readonly<Record<string, number>> | undefined): number {
  return orders?.['only an error that asks for a retry'] ?? 0;
}

function cellsOf({ cure, strategy = '', migration, roundTrips, tried }: WhatIfRow): string[] {
  const cost = [`+${roundTrips}`, migration === 'none' ? 'none' : 'yes', strategy];
  if (tried === undefined) return [cure, 'not applicable', '', '', ...cost];
  const { orders, wrong, errors, waited, notJudged, exhausted } = tried;
  const more = exhausted ? '' : ', and more';
  const open = notJudged === 0 ? '' : `, ${notJudged} not judged`;
  return [
    cure,
    `${wrong} of ${orders}${more}${open}`,
    String(errors),
    `${waited} of ${orders}`,
    ...cost,
  ];
}

function notesOf(row: WhatIfRow, markdown: boolean): string[] {
  const { cure, rewritten, besides, notApplicable, migration } = row;
  const code = (text: string): string => (markdown ? `\`${text.replaceAll('`', "'")}\`` : text);
  const lines = [
    ...(notApplicable === undefined ? [] : [`not applicable: ${notApplicable}`]),
    ...(migration === 'none' ? [] : [code(migration)]),
    ...rewritten.map(({ before, after }: Rewritten) => `${code(before)} becomes ${code(after)}`),
    ...(besides === undefined ? [] : [`besides: ${besides}`]),
  ];
  if (lines.length === 0) return [];
  return [`${markdown ? `**${cure}**` : cure}:`, ...lines.map(line => `- ${line}`), ''];
}

function plainTable(rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, at) => Math.max(...all.map(row => (row[at] ?? '').length)));
  return all.map(row =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function markdownTable(rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
