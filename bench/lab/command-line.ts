/** Shared by all command lines: options as one table that drives help, parsing and echo. */
import { resolve } from 'node:path';
import { type Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isStrategyPath } from '../../src/engine/registry.ts';

/** The command line is wrong; the message says what would be right. */
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
  /** As typed: `--rounds <n>`, or `--json` for a boolean. */
  readonly flags: string;
  /** Description in the help. */
  readonly text: string;
  /** Parses the value; `before` is the result of an earlier occurrence of the same option. */
  read?(text: string, before: T | undefined): T;
  /** The value if the option is not given. */
  readonly fallback: T;
  /** Do not show the fallback in the help: the description covers it, or it is of no interest. */
  readonly silent?: true;
  /** Not part of the command that repeats a run: where results go, and how they are printed. */
  readonly notRepeated?: true;
}

/** The options of a command, by the names used in its code. */
export type OptionTable = Readonly<Record<string, OptionRow<unknown>>>;

/** The values that an options table yields. */
export type OptionValues<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends OptionRow<infer T> ? T : never;
};

/** Infers the type of an option's value. */
export function option<T>(row: OptionRow<T>): OptionRow<T> {
  return row;
}

/** Adds the options of a table to a command. */
export function withOptions(command: Command, table: OptionTable): Command {
  for (const { flags, text, read, fallback, silent } of Object.values(table)) {
    const made = new Option(flags, text);
    // commander passes the default as the previous value
    if (read)
      made.argParser((word: string, before: unknown) =>
        read(word, before === fallback ? undefined : before),
      );
    const told = !silent && fallback !== undefined && fallback !== false;
    command.addOption(told ? made.default(fallback, String(fallback)) : made);
  }
  return command.helpOption('--help', 'print this').allowExcessArguments(false);
}

/** Parses arguments by a table. Throws `UsageError` and `HelpAsked`; prints nothing. */
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

/** The arguments that reproduce these values; options at their fallback are left out. */
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

/** Parses arguments (without node and file). Throws `UsageError` and `HelpAsked`; prints nothing. */
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

/** Parses an option's value as a whole number. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return text => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  };
}

/** Parses comma-separated names; a repeated option adds to the list. */
export function nameList(text: string, before: readonly string[] = []): string[] {
  const names = text.split(',').map(name => name.trim());
  if (names.some(name => name === ''))
    throw new InvalidArgumentError('expected comma-separated names, such as payout,coupon');
  return [...before, ...names];
}

/** The same for strategies, which may be files: paths are made absolute. */
export function strategyList(text: string, before: readonly string[] = []): string[] {
  const names = text.split(',').map(name => name.trim());
  if (names.some(name => name === ''))
    throw new InvalidArgumentError(
      'expected comma-separated names or paths, such as row-lock,./my-lock.ts',
    );
  return [...before, ...names.map(name => (isStrategyPath(name) ? resolve(name) : name))];
}
