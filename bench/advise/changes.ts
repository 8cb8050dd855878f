/** What would change the advice: the same judgement with one answer changed at a time. Pure. */

import type { Evidence } from './evidence.ts';
import { type Judgement, judge, type Ranked } from './judge.ts';
import { type Answers, type QuestionName, questionNames, questions } from './questions.ts';

export interface Change {
  readonly question: QuestionName;
  readonly answers: Answers;
  /** Strategies that become admissible, the first to take first, and those that no longer are. */
  readonly admits: readonly string[];
  readonly drops: readonly string[];
  /** What to take then; undefined if nothing. */
  readonly take: string | undefined;
  /** Of those that it admits, one that is cheaper than what is taken before it. */
  readonly cheaper: string | undefined;
}

/** The changes that alter what to take, or that admit something cheaper. */
export function changesOf(evidence: Evidence, before: Judgement): readonly Change[] {
  const had = namesIn(before);
  const now = before.admissible[0]?.price?.expected;
  return questionNames.flatMap(question =>
    otherAnswers(before.answers, question).flatMap(answers => {
      const then = judge(evidence, answers);
      const names = namesIn(then);
      const isCheaper = ({ strategy, price, rank }: Ranked): boolean =>
        !had.includes(strategy.name) &&
        rank !== undefined &&
        price !== undefined &&
        now !== undefined &&
        price.expected.high < now.low;
      const change: Change = {
        question,
        answers,
        admits: names.filter(name => !had.includes(name)),
        drops: had.filter(name => !names.includes(name)),
        take: names[0],
        cheaper: then.admissible.find(isCheaper)?.strategy.name,
      };
      return change.take === had[0] && change.cheaper === undefined ? [] : [change];
    }),
  );
}

const namesIn = ({ admissible }: Judgement): string[] =>
  admissible.map(({ strategy }) => strategy.name);

/** Another operation is another question, and other amounts are another price. */
function otherAnswers(answers: Answers, question: QuestionName): readonly Answers[] {
  const asked = questions[question];
  if (asked.kind === 'amount' || question === 'shape') return [];
  const now: string | number | readonly string[] = answers[question];
  const words = Object.keys(asked.choices);
  const others =
    asked.kind === 'one'
      ? words.filter(word => word !== now)
      : words.map(word => words.filter(one => isIn(now, one) !== (one === word)));
  return others.map(other => ({ ...answers, [question]: other }));
}

const isIn = (list: unknown, word: string): boolean => Array.isArray(list) && list.includes(word);
