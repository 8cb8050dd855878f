/** The advice for a terminal, at most 100 columns wide. Pure. */
import { createColors } from 'picocolors';
import { laid, wrapped } from '../page/columns.ts';
import { figure, nothing } from '../page/format.ts';
import { adoptionOf, asksFor, rolloutOf } from './adoption.ts';
import type { Advice } from './advise.ts';
import { type CostTable, extrapolations } from './costs.ts';
import { commandFor } from './evidence.ts';
import type { Judged, Ranked } from './judge.ts';
import { flagOf } from './questions.ts';
import { againstText, changeText, firstLines, missingText, nameOf } from './words.ts';

interface TextOptions {
  readonly color: boolean;
  readonly costs: CostTable | null;
}

/** The whole text, ending with a newline; the five lines that answer come last, where a reader looks. */
export function adviceText(advice: Advice, { color, costs }: TextOptions): string {
  const colors = createColors(color);
  const { admissible, excluded, unknown, place } = advice.judgement;
  const part = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [colors.bold(title), ...lines, ''];
  const { take, given } = advice;
  const lines = [
    ...part('Excluded, by the cell that excludes it', excluded.flatMap(excludedLines)),
    ...part('Not known', unknown.flatMap(unknownLines)),
    ...part(`Admissible for ${place}, by cost`, admissibleLines(admissible, given.answers.callers)),
    ...part(
      'Written otherwise it fails',
      advice.traps.map(
        ({ place: at, title, cells }) =>
          `✗ ${at}, ${title}: ${cells.map(({ strategy }) => strategy).join(', ')}`,
      ),
    ),
    ...part(
      'What would change the answer',
      advice.changes.map(change => `- ${changeText(change)}.`),
    ),
    ...(take ? part(`To adopt ${nameOf(take)}`, bulleted(adoptionOf(take.strategy))) : []),
    ...(take
      ? part('To roll it out', bulleted(rolloutOf(take.strategy, place.split('/')[0] ?? '')))
      : []),
    ...part('Computed, not measured', bulleted(extrapolations(costs, given.answers))),
    ...part(
      'Assumed, since it was not said',
      given.assumed.length > 0 ? [given.assumed.map(flagOf).join(', ')] : [],
    ),
    ...firstLines(advice).map((line, index) => (index === 0 ? colors.bold(line) : line)),
  ];
  return `${lines.flatMap(line => (isCommand(line) ? [line] : wrapped(line))).join('\n')}\n`;
}

/** Copied as it stands, and so on one line. */
const isCommand = (line: string): boolean => /^ +(npm run|strategies\/)/.test(line);

const bulleted = (lines: readonly string[]): string[] => lines.map(line => `- ${line}`);

function excludedLines({ strategy, against }: Judged): string[] {
  const [first, ...others] = against;
  if (!first) return [];
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return [`${strategy.name}: ${againstText(first)}${more}`, `    ${first.cell.replay}`];
}

function unknownLines({ strategy, missing }: Judged): string[] {
  const [first, ...others] = missing;
  if (!first) return [];
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  const command = commandFor(strategy.name, first.column);
  return [
    `${strategy.name}: ${missingText(first)}${more}`,
    ...(command === '' ? [] : [`    ${command}`]),
  ];
}

function admissibleLines(all: readonly Ranked[], callers: number): string[] {
  if (all.length === 0) return [];
  const rows = all.map(({ strategy, rank, shared, price }) => [
    rank === undefined ? '' : `${rank}.${shared ? '=' : ''}`,
    strategy.name,
    figure(price?.expected.middle),
    figure(price?.alone),
    figure(price?.contested),
    price?.keyPerSecond === undefined ? nothing : figure(price.keyPerSecond),
    asksFor(strategy.facts) + (price?.tooSlow ? '; too slow for your busiest key' : ''),
  ]);
  const head = ['', 'strategy', 'ms', 'alone', `of ${callers}`, 'key/s', 'asks for'];
  return laid([head, ...rows], 'llrrrrl');
}
