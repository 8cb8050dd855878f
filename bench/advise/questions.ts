/** What `advise` asks. One table from which flags, interview, form, JSON and words come. Pure. */

/** One word of several. */
export interface OneOf<Word extends string> {
  readonly kind: 'one';
  readonly ask: string;
  /** In the words of a sentence that begins with “you said that”. */
  readonly choices: Readonly<Record<Word, string>>;
  /** Assumed where nobody answers: the careful side. */
  readonly fallback: Word;
}

/** Any of several words. */
export interface AnyOf<Word extends string> {
  readonly kind: 'several';
  readonly ask: string;
  readonly choices: Readonly<Record<Word, string>>;
  readonly fallback: readonly Word[];
}

export interface Amount {
  readonly kind: 'amount';
  readonly ask: string;
  readonly unit: string;
  readonly least: number;
  readonly most: number;
  readonly fallback: number;
}

/** The words are those of the choices; the fallback is one of them. */
interface Asked<Word extends string, Fallback> {
  readonly ask: string;
  readonly choices: Readonly<Record<Word, string>>;
  readonly fallback: Fallback;
}

const one = <Word extends string>(given: Asked<Word, NoInfer<Word>>): OneOf<Word> => ({
  kind: 'one',
  ...given,
});
const several = <Word extends string>(
  given: Asked<Word, readonly NoInfer<Word>[]>,
): AnyOf<Word> => ({ kind: 'several', ...given });
const amount = (given: Omit<Amount, 'kind'>): Amount => ({ kind: 'amount', ...given });

export const questions = {
  shape: one({
    ask: 'What does the operation decide?',
    choices: {
      'value-of-a-row': 'it changes a value in one row, such as a balance or a stock',
      'at-most-one': 'it adds a row that may be there once, such as one reversal per payroll',
      'at-most-n': 'it adds one of n rows, such as the places of a booking',
      'any-free-row': 'it takes any free row, such as a coupon or a job of a queue',
      'no-overlap': 'it adds a row that must not overlap another, such as hours in a calendar',
      'two-rows': 'it changes two rows at once, such as a transfer',
      'whole-run': 'it is a whole run over a list, such as a job that must not overlap itself',
    },
    fallback: 'value-of-a-row',
  }),
  duplicate: one({
    ask: 'What does a duplicate do?',
    choices: {
      harms: 'a duplicate does harm',
      harmless: 'a duplicate is harmless, only wasteful',
    },
    fallback: 'harms',
  }),
  statement: one({
    ask: 'Can one SQL statement on one row decide it?',
    choices: {
      yes: 'one statement can decide it',
      no: 'the decision needs more than one statement',
    },
    fallback: 'no',
  }),
  constraint: one({
    ask: 'Can a constraint say it: a unique index over numbered places, or an exclusion?',
    choices: { yes: 'a constraint can say it', no: 'no constraint can say it' },
    fallback: 'no',
  }),
  outside: one({
    ask: 'Does it change anything outside this one Postgres: money, mail, a file, another database?',
    choices: {
      no: 'all that it changes is in one Postgres',
      keyed: 'the other side takes an idempotency key of ours, the same for the same decision',
      outbox: 'an order is written beside the decision, and a relay sends it with a key',
      bare: 'something outside happens each time it is asked for',
    },
    fallback: 'no',
  }),
  writers: one({
    ask: 'Are there writers of these rows that you do not control?',
    choices: {
      no: 'every writer can be changed',
      yes: 'there are writers that will not take part',
    },
    fallback: 'no',
  }),
  row: one({
    ask: 'Is there a row to lock before the first write?',
    choices: {
      yes: 'the row that decides, or its parent, is there before',
      no: 'no row is there before the first write',
    },
    fallback: 'yes',
  }),
  key: one({
    ask: 'Can all commands that conflict name one key: the thing that is contended for?',
    choices: {
      yes: 'all that conflict name the same key',
      no: 'two that conflict may name two keys',
    },
    fallback: 'yes',
  }),
  retry: one({
    ask: 'Can the whole be tried again after a conflict?',
    choices: { yes: 'the whole can be tried again', no: 'it cannot be tried again' },
    fallback: 'yes',
  }),
  pooler: one({
    ask: 'Is there a pooler in transaction mode between you and Postgres?',
    choices: { no: 'no pooler in transaction mode', yes: 'a pooler in transaction mode' },
    fallback: 'no',
  }),
  longer: one({
    ask: 'Must it be held for longer than one transaction?',
    choices: {
      no: 'one transaction is long enough',
      yes: 'it is held for longer than a transaction',
    },
    fallback: 'no',
  }),
  survive: several({
    ask: 'Which of these can happen, and must do no harm?',
    choices: {
      pauses: 'a process stands still',
      crashes: 'a process dies',
      network: 'the way to Postgres goes silent',
      postgres: 'Postgres restarts, stands still or refuses writes',
      redis: 'Redis is emptied, evicts, fails over or is away',
      deploys: 'a new version is rolled out, or all processes die at once',
      connections: 'connections are ended or used up, the disk is full, a pooler dies',
      failovers: 'a standby of Postgres or a sentinel takes over',
      clocks: 'a clock is stepped',
      clients: 'callers leave before they are answered',
    },
    fallback: ['pauses', 'crashes', 'network', 'postgres', 'redis'],
  }),
  redis: one({
    ask: 'Which Redis is there, or may be added?',
    choices: {
      none: 'no Redis',
      one: 'one Redis, perhaps with a replica',
      several: 'several independent Redis nodes',
    },
    fallback: 'none',
  }),
  migration: several({
    ask: 'Which migrations are possible?',
    choices: {
      column: 'a column',
      rows: 'rows written beforehand',
      constraint: 'a constraint over existing rows',
    },
    fallback: ['column', 'rows', 'constraint'],
  }),
  sequelize: one({
    ask: 'Do the writes go through Sequelize?',
    choices: {
      no: 'the writes do not go through Sequelize',
      yes: 'the writes go through Sequelize',
    },
    fallback: 'no',
  }),
  rate: amount({
    ask: 'How many commands a second come for the busiest key?',
    ...{ unit: 'per second', least: 0, most: 100_000, fallback: 1 },
  }),
  meets: amount({
    ask: 'Which share of the commands meets another one on its key?',
    ...{ unit: '%', least: 0, most: 100, fallback: 10 },
  }),
  callers: amount({
    ask: 'How many come at once where they meet?',
    ...{ unit: 'callers', least: 2, most: 10_000, fallback: 8 },
  }),
  hold: amount({
    ask: 'How long does your own work take while it is held, beside the statements?',
    ...{ unit: 'ms', least: 0, most: 3_600_000, fallback: 0 },
  }),
  rttPostgres: amount({
    ask: 'How long is a round trip to Postgres?',
    ...{ unit: 'ms', least: 0, most: 10_000, fallback: 0.5 },
  }),
  rttRedis: amount({
    ask: 'How long is a round trip to Redis?',
    ...{ unit: 'ms', least: 0, most: 10_000, fallback: 0.5 },
  }),
} as const;

export type QuestionName = keyof typeof questions;

type AnswerTo<Q> =
  Q extends OneOf<infer Word>
    ? Word
    : Q extends AnyOf<infer Word>
      ? readonly Word[]
      : Q extends Amount
        ? number
        : never;

export type Answers = { readonly [Name in QuestionName]: AnswerTo<(typeof questions)[Name]> };

export const questionNames = Object.keys(questions).filter(
  (name): name is QuestionName => name in questions,
);

/** The questions whose answer is a number: they price, and rule nothing out. */
export const isAmount = (name: QuestionName): boolean => questions[name].kind === 'amount';

/** How a question is named on the command line: `rtt-postgres`. */
export const flagOf = (name: QuestionName): string =>
  name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);

/** Answers that were given, and which were not. */
export interface Given {
  readonly answers: Answers;
  readonly assumed: readonly QuestionName[];
}

/** The careful answers, all of them assumed. */
export const carefulAnswers: Answers = Object.fromEntries(
  questionNames.map(name => [name, questions[name].fallback]),
) as Answers;

/** Something that is not an answer; the message says what would be. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Checks what was said. Throws `NoAnswer`. */
export function answersFrom(said: Readonly<Record<string, unknown>>): Given {
  const known: readonly string[] = questionNames;
  const odd = Object.keys(said).find(name => !known.includes(name));
  if (odd !== undefined)
    throw new NoAnswer(`there is no question '${odd}'; there are ${known.join(', ')}`);
  const assumed = questionNames.filter(name => said[name] === undefined);
  const checked = questionNames.map(name => [
    name,
    said[name] === undefined ? questions[name].fallback : answerTo(name, said[name]),
  ]);
  return { answers: Object.fromEntries(checked) as Answers, assumed };
}

/** One answer, as text, a list of texts, or a number. Throws `NoAnswer`. */
export function answerTo(name: QuestionName, said: unknown): string | readonly string[] | number {
  const question = questions[name];
  if (question.kind === 'amount') {
    const { least, most, unit } = question;
    const number = typeof said === 'string' && said.trim() !== '' ? Number(said) : said;
    if (typeof number === 'number' && number >= least && number <= most) return number;
    throw new NoAnswer(`${flagOf(name)}: expected a number from ${least} to ${most} (${unit})`);
  }
  const words = Object.keys(question.choices);
  if (question.kind === 'one') {
    if (typeof said === 'string' && words.includes(said)) return said;
    throw new NoAnswer(`${flagOf(name)}: expected one of ${words.join(', ')}`);
  }
  const list = typeof said === 'string' ? wordsIn(said) : said;
  if (Array.isArray(list) && list.every(word => words.includes(word)))
    return words.filter(word => list.includes(word));
  throw new NoAnswer(`${flagOf(name)}: expected any of ${words.join(', ')}, or none`);
}

const wordsIn = (text: string): string[] =>
  text === 'none' || text === '' ? [] : text.split(',').map(word => word.trim());

/** An answer in words. */
export function answerText(name: QuestionName, answers: Answers): string {
  const question = questions[name];
  const answer: string | number | readonly string[] = answers[name];
  if (question.kind === 'amount') return `${answer} ${question.unit}`;
  const choices: Readonly<Record<string, string>> = question.choices;
  if (typeof answer === 'string') return choices[answer] ?? answer;
  if (!Array.isArray(answer) || answer.length === 0) return 'none';
  return answer.map(word => choices[word] ?? word).join(', ');
}
