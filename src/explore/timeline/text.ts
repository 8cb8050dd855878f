import type { Counterexample } from '../counterexample.ts';
import { findings } from '../ending.ts';
import type { ActorEnd } from '../run/actor.ts';
import { letter } from '../search/choice.ts';
import { timelineRows } from './rows.ts';

export interface TimelineSource {
  readonly actors: readonly string[];
  readonly counterexample: Counterexample;
}

/** The timeline for a terminal: one column per actor, at most so many characters wide. */
export function timelineText(source: TimelineSource, widthMax = 120): string {
  const { actors, counterexample } = source;
  const columns = Math.max(1, actors.length);
  const width = Math.max(16, Math.floor((widthMax - 4) / columns) - 3);
  const head = actors.map((name, at) => `${letter(at)} ${name}`);
  const out = [line('', head, width), '-'.repeat(4 + columns * (width + 3))];
  for (const row of timelineRows(counterexample.record.lines)) {
    if (row.actor === undefined) {
      out.push(`${String(row.number).padStart(3)} * ${row.text}`);
      continue;
    }
    for (const [part, text] of wrapped(row.text, width).entries()) {
      const cells = actors.map((_, at) => (at === row.actor ? text : ''));
      out.push(line(part === 0 && row.kind !== 'goes on' ? String(row.number) : '', cells, width));
    }
  }
  out.push('', ...legend(source), ...endings(source), `schedule ${counterexample.schedule}`);
  return out.map(one => one.trimEnd()).join('\n');
}

/** The same as a Markdown table. */
export function timelineMarkdown(source: TimelineSource): string {
  const { actors, counterexample } = source;
  const head = ['', ...actors.map((name, at) => `${letter(at)} (${name})`)];
  const out = [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`];
  for (const row of timelineRows(counterexample.record.lines)) {
    const text = code(row.text);
    const cells = actors.map((_, at) => {
      if (row.actor === undefined) return at === 0 ? `**${row.text}**` : '';
      return at === row.actor ? text : '';
    });
    out.push(`| ${row.number} | ${cells.join(' | ')} |`);
  }
  const end = [...legend(source), ...endings(source)].map(one => `- ${one}`);
  return [...out, '', ...end, `- schedule \`${counterexample.schedule}\``, ''].join('\n');
}

/** What words of the timeline mean that not everybody knows. */
function legend({ counterexample }: TimelineSource): string[] {
  const split = counterexample.record.lines.some(({ result }) => result === 'snapshot taken');
  if (!split) return [];
  return [
    '"snapshot taken": the statement has settled which rows it sees, and has not written yet; that is "effect of …"',
  ];
}

function endings({ actors, counterexample }: TimelineSource): string[] {
  const { ends } = counterexample.record;
  const told = actors.map((_, at) => `${letter(at)} ${ending(ends[at])}`);
  return [
    `at the end: ${told.join(', ')}`,
    ...findings(counterexample.record).map(one => `audit: ${one}`),
  ];
}

function ending(end: ActorEnd | undefined): string {
  if (end === undefined) return 'never ends';
  if (end.kind === 'threw') return `threw ${end.message}`;
  if (end.kind === 'crashed') return 'crashed';
  return end.value === undefined ? 'returned' : `returned ${JSON.stringify(end.value)}`;
}

function line(number: string, cells: readonly string[], width: number): string {
  return `${number.padStart(3)} | ${cells.map(cell => cell.slice(0, width).padEnd(width)).join(' | ')}`;
}

/** Breaks at spaces; a longer word is cut. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let at = '';
  for (const word of text.split(' ')) {
    if (at !== '' && at.length + 1 + word.length > width) {
      lines.push(at);
      at = `  ${word}`;
    } else at = at === '' ? word : `${at} ${word}`;
  }
  return [...lines, at];
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|').replaceAll('`', "'")}\``;
}
