/** The advice in words: what a screen begins with. Pure. */
import { figure, list } from '../page/format.ts';
import { asksFor } from './adoption.ts';
import type { Advice } from './advise.ts';
import type { Change } from './changes.ts';
import type { Price } from './costs.ts';
import { type Cell, columnName } from './evidence.ts';
import type { Against, Judged, Missing, Ranked } from './judge.ts';
import { answerText, flagOf, isAmount, type QuestionName, questionNames } from './questions.ts';

/** Five lines: what to take, why, for how much, what it asks for, and what would change it. */
export function firstLines(advice: Advice): readonly string[] {
  const { take } = advice;
  return take ? linesFor(advice, take) : linesForNothing(advice);
}

function linesFor(advice: Advice, take: Ranked): readonly string[] {
  const { excluded, unknown } = advice.judgement;
  const { strategy, support, price } = take;
  const unknownText =
    unknown.length > 0 ? `, and of ${list(unknown.map(nameOf))} too little is known` : '';
  return [
    `Take ${strategy.name}: ${strategy.title}.`,
    `It is as needed in all ${support.length} cells that your answers need; ` +
      `${excluded.length} others are excluded by a cell${unknownText}.`,
    price ? priceText(price, advice.given.answers.callers) : 'Its cost was not measured for this.',
    `It asks for: ${asksFor(strategy.facts)}.`,
    changeLine(advice.changes),
  ];
}

function linesForNothing({ closest, judgement, changes }: Advice): readonly string[] {
  const [first] = closest;
  const { excluded, unknown } = judgement;
  return [
    'Nothing that was measured is admissible.',
    `${excluded.length} are excluded by a cell, and of ${unknown.length} too little is known.`,
    first
      ? `Closest ${closest.length > 1 ? 'are' : 'is'} ${list(closest.slice(0, 4).map(nameOf))}: ${reasonOf(first)}.`
      : 'There is no strategy without a flaw among them.',
    changeLine(changes.filter(({ take }) => take !== undefined)),
  ];
}

export const nameOf = ({ strategy }: Judged): string => strategy.name;

/** "5.1 ms a command: 3.0 alone, 21 where 8 come at once; one key takes 140 a second". */
export function priceText(price: Price, callers: number): string {
  const { expected, alone, contested, keyPerSecond, tooSlow } = price;
  const limit =
    keyPerSecond === undefined ? '' : `; one key takes about ${figure(keyPerSecond)} a second`;
  const slow = tooSlow ? ', which is less than you have' : '';
  return (
    `About ${figure(expected.middle)} ms a command: ${figure(alone)} alone, ${figure(contested)} where ` +
    `${callers} come at once${limit}${slow}.`
  );
}

/** The nearest change for the better; else the nearest of all. */
function changeLine(changes: readonly Change[]): string {
  const better = changes.find(({ cheaper }) => cheaper !== undefined);
  const first = better ?? changes.find(({ take }) => take !== undefined) ?? changes[0];
  return first ? `${changeText(first)}.` : 'No single answer would change that.';
}

/** "If the other side takes an idempotency key …, take row-lock". */
export function changeText({ question, answers, take, cheaper }: Change): string {
  const also =
    cheaper === undefined || cheaper === take ? '' : `; ${cheaper} is cheaper, and possible then`;
  const what = take === undefined ? 'nothing is admissible' : `take ${take}`;
  return `If ${said(question, answers)}, ${what}${also}`;
}

function said(question: QuestionName, answers: Change['answers']): string {
  const text = answerText(question, answers);
  if (question === 'survive') return `only this can happen: ${text}`;
  if (question === 'migration') return `these migrations are possible: ${text}`;
  return question === 'redis' ? `there is ${text}` : text;
}

/** Why it is not admissible, in one line. */
export function reasonOf({ against, missing }: Judged): string {
  const [cell, gap] = [against[0], missing[0]];
  if (cell) return againstText(cell);
  return gap ? missingText(gap) : 'nothing speaks against it';
}

export function againstText({ cell, otherwise }: Against): string {
  if (cell.column.table === 'facts') return `${otherwise} (${cell.column.fact}: ${cell.value})`;
  return `${cell.value} in ${placeText(cell)}: ${cell.because}`;
}

export function missingText({ column, cell }: Missing): string {
  return cell
    ? `${cell.value} in ${placeText(cell)}: ${cell.because}`
    : `nobody measured ${columnName(column)}`;
}

/** "holder-paused (gift-card/plain)". */
export const placeText = (cell: Cell): string => cell.id.slice(0, cell.id.lastIndexOf(', '));

/** The answers in words, those of the operation's size last; assumed ones are told as such. */
export function answersInWords({ given }: Advice): readonly (readonly [string, string])[] {
  const order = [
    ...questionNames.filter(name => !isAmount(name)),
    ...questionNames.filter(isAmount),
  ];
  return order.map(name => [
    flagOf(name),
    answerText(name, given.answers) + (given.assumed.includes(name) ? ' (assumed)' : ''),
  ]);
}
