/** `lockstep advise`: which strategy to take for an operation, by the cells that decide it. */
import { readFile, writeFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { type Command, InvalidArgumentError } from 'commander';
import { type Advice, advise } from '../advise/advise.ts';
import type { Evidence } from '../advise/evidence.ts';
import { advisePage } from '../advise/form.ts';
import { interview } from '../advise/interview.ts';
import { adviceData } from '../advise/json.ts';
import {
  answersFrom,
  answerTo,
  flagOf,
  type Given,
  NoAnswer,
  type QuestionName,
  questionNames,
  questions,
} from '../advise/questions.ts';
import { committedEvidence } from '../advise/read.ts';
import { decisionRecord } from '../advise/sections.ts';
import { adviceText } from '../advise/text.ts';
import {
  commandOf,
  type OptionRow,
  type OptionTable,
  option,
  readTable,
  UsageError,
} from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { flag } from '../lab/option-values.ts';
import { reportHtml } from '../page/html.ts';
import { reportMarkdown } from '../page/markdown.ts';
import type { CliCommand, CommandContext } from './command.ts';

const asks: OptionTable = Object.fromEntries(questionNames.map(name => [name, rowOf(name)]));

const table = {
  ask: flag('--ask', 'ask every question, one after the other (the usual way at a terminal)'),
  answers: option<string | undefined>({
    flags: '--answers <file>',
    text: 'JSON with answers by question, such as {"shape": "any-free-row"}; - for standard input',
    fallback: undefined,
  }),
  adr: option<string | undefined>({
    flags: '--adr <file>',
    text: 'also write the decision as a record in Markdown: context, options, decision, consequences, evidence',
    fallback: undefined,
  }),
  html: option<string | undefined>({
    flags: '--html <file>',
    text: 'write a page that asks the same, works without a server, and end',
    fallback: undefined,
  }),
  json: flag('--json', 'print the advice as JSON'),
};

function rowOf(name: QuestionName): OptionRow<unknown> {
  const question = questions[name];
  const words =
    question.kind === 'amount' ? question.unit : Object.keys(question.choices).join(', ');
  return option<unknown>({
    flags: `--${flagOf(name)} <answer>`,
    text: `${question.ask} (${words})`,
    read: text => checked(name, text),
    fallback: undefined,
  });
}

function checked(name: QuestionName, text: string): unknown {
  try {
    return answerTo(name, text);
  } catch (error) {
    if (error instanceof NoAnswer) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

const examples = `
Examples:
  npm run advise                                                asks
  npm run advise -- --shape at-most-one --migration none        the rest is assumed, on the careful side
  npm run advise -- --shape any-free-row --rate 50 --meets 80 --callers 20 --rtt-postgres 1
  npm run advise -- --answers operation.json --adr decision.md
  npm run advise -- --html advise.html                          the same questions on a page

Exit codes:
  ${exitCodes.asClaimed}    something is admissible
  ${exitCodes.usage}    the command line or the answers are wrong
  ${exitCodes.inconclusive}    nothing that was measured is admissible`;

function form(): Command {
  return commandOf(
    'advise',
    'Asks about an operation and says which strategy to take. Every exclusion is a cell of a committed run ' +
      'or a declared fact, and what nobody measured is "not known". Nothing is run.',
    { ...table, ...asks },
  ).addHelpText('after', examples);
}

export const command: CliCommand = {
  form,
  async run(context) {
    const values = readTable(form(), { ...table, ...asks }, context.argv);
    const { ask, answers, adr, html, json } = values;
    const evidence = await committedEvidence();
    if (html !== undefined) {
      await writeFile(html, reportHtml(advisePage(evidence)));
      context.note(html);
      return exitCodes.asClaimed;
    }
    const given = await givenBy(context, { ask, answers, flags: values });
    const advice = advise(evidence, given);
    if (adr !== undefined) {
      await writeFile(adr, reportMarkdown(decisionRecord(advice, evidence.costs)));
      context.note(adr);
    }
    context.write(
      json
        ? `${JSON.stringify(adviceData(advice), null, 2)}\n`
        : textFor(advice, evidence, context),
    );
    return advice.take ? exitCodes.asClaimed : exitCodes.inconclusive;
  },
};

function textFor(advice: Advice, { costs }: Evidence, { environment }: CommandContext): string {
  const color = process.stdout.isTTY === true && !environment.NO_COLOR;
  return adviceText(advice, { color, costs });
}

interface Said {
  readonly ask: boolean;
  readonly answers: string | undefined;
  readonly flags: Readonly<Record<string, unknown>>;
}

/** By flags and file, flags first; asked for where there is neither, and somebody to ask. */
async function givenBy({ note, signal }: CommandContext, said: Said): Promise<Given> {
  const { ask, answers, flags } = said;
  const named = questionNames.flatMap(name =>
    flags[name] === undefined ? [] : [[name, flags[name]] as const],
  );
  const isSilent = named.length === 0 && answers === undefined;
  if (ask || (isSilent && process.stdin.isTTY === true))
    return interview({
      input: process.stdin,
      write: text => note(text.replace(/\n$/, '')),
      signal,
    });
  if (isSilent)
    throw new UsageError(
      'say what the operation is like: --shape and the other questions, or --ask',
    );
  const read = answers === undefined ? {} : await answersIn(answers);
  try {
    return answersFrom({ ...read, ...Object.fromEntries(named) });
  } catch (error) {
    if (error instanceof NoAnswer) throw new UsageError(error.message);
    throw error;
  }
}

async function answersIn(file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await (file === '-' ? textOf(process.stdin) : readFile(file, 'utf8')).catch(() => {
    throw new UsageError(`cannot read ${file}`);
  });
  const json = parsed(text);
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return { ...json };
  throw new UsageError(`${file} is not a JSON object of answers by question`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
