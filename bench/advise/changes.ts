/** What would change the advice: the same judgement with one answer changed at a time. Pure. */
import { judge, type Judgement } from './judge.ts';
import type { Evidence } from './evidence.ts';
import { type Answers, type QuestionName, questionNames, questions } from './questions.ts';

export interface Change {
  readonly question: QuestionName;
  readonly answers: Answers;
  /** Strategies that become admissible, the first to take first, and those that no longer are. */
  readonly admits: readonly string[];
  readonly drops: readonly string[];
  /** What to take then; undefined if nothing. */
  readonly take: string | undefined;
}

/** The changes that alter what to take, or whether there is anything to take. */
export function changesOf(evidence: Evidence, before: Judgement): readonly Change[] {
  const had = namesIn(before);
  return questionNames.flatMap(question =>
    otherAnswers(before.answers, question).flatMap(answers => {
      const names = namesIn(judge(evidence, answers));
      const change: Change = {
        question,
        answers,
        admits: names.filter(name => !had.includes(name)),
        drops: had.filter(name => !names.includes(name)),
        take: names[0],
      };
      return change.take === had[0] ? [] : [change];
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
