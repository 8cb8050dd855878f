/** Asks on the command line, one question after the other; an empty line takes the careful answer. */
import { createInterface } from 'node:readline';
import {
  answersFrom,
  answerTo,
  type Given,
  NoAnswer,
  type QuestionName,
  questionNames,
  questions,
} from './questions.ts';

export interface InterviewOptions {
  readonly input: NodeJS.ReadableStream;
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
}

/** So often a question is asked again before its careful answer is taken. */
const triesMax = 5;

/** Where the input ends, the questions that are left are assumed. Rejects when the signal is aborted. */
export async function interview({ input, write, signal }: InterviewOptions): Promise<Given> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const stop = (): void => lines.close();
  signal.addEventListener('abort', stop, { once: true });
  const said: Record<string, unknown> = {};
  const next = lines[Symbol.asyncIterator]();
  try {
    write('An empty line takes the answer in brackets.\n');
    for (const name of questionNames) {
      const answer = await asked(name, next, write);
      signal.throwIfAborted();
      if (answer !== undefined) said[name] = answer;
    }
    return answersFrom(said);
  } finally {
    signal.removeEventListener('abort', stop);
    lines.close();
  }
}

async function asked(
  name: QuestionName,
  lines: AsyncIterator<string>,
  write: (text: string) => void,
): Promise<unknown> {
  write(questionText(name));
  for (let tries = 0; tries < triesMax; tries += 1) {
    write('> ');
    const { value, done } = await lines.next();
    const text: string = done ? '' : value.trim();
    if (text === '') return undefined;
    try {
      return answerTo(name, wordFor(name, text));
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      write(`${error.message}\n`);
    }
  }
  return undefined;
}

/** Choices may be told by their numbers. */
function wordFor(name: QuestionName, text: string): string {
  const question = questions[name];
  if (question.kind === 'amount') return text;
  const words = Object.keys(question.choices);
  return text
    .split(',')
    .map(one => words[Number(one.trim()) - 1] ?? one.trim())
    .join(',');
}

function questionText(name: QuestionName): string {
  const question = questions[name];
  if (question.kind === 'amount')
    return `\n${question.ask} [${question.fallback} ${question.unit}]\n`;
  const choices = Object.entries(question.choices).map(
    ([word, text], index) => `  ${index + 1} ${word}: ${text}\n`,
  );
  const many = question.kind === 'several' ? ' Several with commas, or none.' : '';
  const fallback: string | readonly string[] = question.fallback;
  const usual = typeof fallback === 'string' ? fallback : fallback.join(',');
  return `\n${question.ask}${many} [${usual}]\n${choices.join('')}`;
}
