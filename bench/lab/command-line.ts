/** What all command lines share: options as one table, from which help, reading and echo follow. */
import { resolve } from 'node:path';
import { type Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isStrategyPath } from '../../src/engine/registry.ts';

/** The command line asks for something that does not exist; the message says what does. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** `--help` was asked for; `text` is what to print. */
export class HelpAsked extends Error {
  override readonly name = 'HelpAsked';
  readonly text: string;
  constructor(text: string) {
    super('help');
    this.text = text;
  }
}

/** One option of a command. */
export interface OptionRow<T> {
  /** As it is typed: `--rounds <n>`, or `--json` for one that is there or not. */
  readonly flags: string;
  /** For the help. */
  readonly text: string;
  /** Reads the value; `before` is what an earlier one of the same name gave. */
  read?(text: string, before: T | undefined): T;
  /** What it is where it is not given. */
  readonly fallback: T;
  /** The help says the fallback itself, or it has none worth telling. */
  readonly silent?: true;
  /** Where the result goes and how it is printed, which whoever repeats a run decides anew. */
  readonly notRepeated?: true;
}

/** The rows of a command's options, by the names that its code has for them. */
export type OptionTable = Readonly<Record<string, OptionRow<unknown>>>;

/** What a table of options reads. */
export type OptionValues<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends OptionRow<infer T> ? T : never;
};

/** A row that reads a value. */
export function option<T>(row: OptionRow<T>): OptionRow<T> {
  return row;
}

/** Adds the options of a table to a command. */
export function withOptions(command: Command, table: OptionTable): Command {
  for (const { flags, text, read, fallback, silent } of Object.values(table)) {
    const made = new Option(flags, text);
    // commander hands over the default as what came before
    if (read)
      made.argParser((word: string, before: unknown) =>
        read(word, before === fallback ? undefined : before),
      );
    const told = !silent && fallback !== undefined && fallback !== false;
    command.addOption(told ? made.default(fallback, String(fallback)) : made);
  }
  return command.helpOption('--help', 'print this').allowExcessArguments(false);
}

/** Reads arguments by a table. Throws `UsageError` and `HelpAsked`; prints nothing. */
export function readTable<Table extends OptionTable>(
  command: Command,
  table: Table,
  argv: readonly string[],
): OptionValues<Table> {
  const read = parsed<Record<string, unknown>>(command, argv);
  const values = Object.entries(table).map(([name, { flags, fallback }]) => [
    name,
    read[new Option(flags).attributeName()] ?? fallback,
  ]);
  return Object.fromEntries(values) as OptionValues<Table>;
}

/** The words that repeat these values: those that are not the fallback. */
export function repeated<Table extends OptionTable>(
  table: Table,
  values: OptionValues<Table>,
): string[] {
  return Object.entries(table).flatMap(([name, row]) => {
    const value: unknown = values[name as keyof Table];
    const usual = JSON.stringify(value) === JSON.stringify(row.fallback);
    if (row.notRepeated || value === undefined || usual) return [];
    const flag = new Option(row.flags).long ?? '';
    return value === true ? [flag] : [flag, Array.isArray(value) ? value.join(',') : String(value)];
  });
}

/** Reads arguments (without node and file). Throws `UsageError` and `HelpAsked`; prints nothing. */
export function parsed<Read extends object>(command: Command, argv: readonly string[]): Read {
  let [printed, complaint] = ['', ''];
  command.exitOverride().configureOutput({
    writeOut: text => {
      printed += text;
    },
    writeErr: text => {
      complaint += text;
    },
  });
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) throw new HelpAsked(printed);
    throw new UsageError(complaint.replace(/^error: /, '').trim());
  }
  return command.opts<Read>();
}

/** Reads the value of an option as a whole number. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return text => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`);
  };
}

/** Names with commas between; an option that is given several times adds to what it had. */
export function nameList(text: string, before: readonly string[] = []): string[] {
  const names = text.split(',').map(name => name.trim());
  if (names.some(name => name === ''))
    throw new InvalidArgumentError('Write names with commas between: payout,coupon');
  return [...before, ...names];
}

/** The same for strategies, which may be files: their paths are made absolute. */
export function strategyList(text: string, before: readonly string[] = []): string[] {
  const names = text.split(',').map(name => name.trim());
  if (names.some(name => name === ''))
    throw new InvalidArgumentError(
      'Write names or paths with commas between: row-lock,./my-lock.ts',
    );
  return [...before, ...names.map(name => (isStrategyPath(name) ? resolve(name) : name))];
}
