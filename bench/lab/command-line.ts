/** Shared by all command lines: options as one table that drives help, parsing and echo. */
import { Command, CommanderError, Option } from 'commander';

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

/** A command of `lockstep` with the options of a table. Arguments, if any, are added by the caller. */
export function commandOf(name: string, description: string, table: OptionTable = {}): Command {
  const command = new Command(`lockstep ${name}`).description(description);
  for (const { flags, text, read, fallback, silent } of Object.values(table)) {
    const made = new Option(flags, text);
    // commander passes the default as the previous value
    if (read)
      made.argParser((word: string, before: unknown) =>
        read(word, before === fallback ? undefined : before),
      );
    const told = !silent && fallback !== undefined && typeof fallback !== 'boolean';
    command.addOption(told ? made.default(fallback, String(fallback)) : made);
  }
  return command
    .helpOption('--help', 'print this')
    .allowExcessArguments(false)
    .showSuggestionAfterError();
}

/**
 * Parses arguments (without node and file) by a table. Throws `UsageError` and `HelpAsked`; prints
 * nothing.
 */
export function readTable<Table extends OptionTable>(
  command: Command,
  table: Table,
  argv: readonly string[],
): OptionValues<Table> {
  const read = parsed(command, argv);
  const values = Object.entries(table).map(([name, { flags, fallback }]) => [
    name,
    read[new Option(flags).attributeName()] ?? fallback,
  ]);
  return Object.fromEntries(values) as OptionValues<Table>;
}

/**
 * The command line that repeats a run with these values, and with these environment variables; options at
 * their fallback are left out.
 */
export function repeated<Table extends OptionTable>(
  name: string,
  table: Table,
  values: OptionValues<Table>,
  variables: Readonly<Record<string, string>> = {},
): string {
  const words = Object.entries(table).flatMap(([field, row]) => {
    const value: unknown = values[field as keyof Table];
    const usual = wordsOf(row.fallback) === wordsOf(value);
    if (row.notRepeated || value === undefined || usual) return [];
    const flag = new Option(row.flags).long ?? '';
    return typeof value === 'boolean' ? [flag] : [flag, wordsOf(value)];
  });
  const set = Object.entries(variables).map(([key, value]) => `${key}=${quoted(value)} `);
  const options = words.length > 0 ? ['--', ...words.map(quoted)] : [];
  return `${set.join('')}${['npm run', name, ...options].join(' ')}`;
}

/** A value as it is typed. A list that is empty, though not by default, was `none`. */
function wordsOf(value: unknown): string {
  if (value instanceof RegExp) return value.source;
  if (Array.isArray(value)) return value.length > 0 ? value.join(',') : 'none';
  return String(value);
}

/** The arguments in a command line that `repeated` wrote. */
export function argumentsIn(told: string): string[] {
  const quotedWords = told.match(/(?:'[^']*'|\\'|[^\s'\\])+/g) ?? [];
  const words = quotedWords.map(word => word.replaceAll(/'([^']*)'|\\(')/g, '$1$2'));
  const at = words.indexOf('--');
  return at < 0 ? [] : words.slice(at + 1);
}

/** Quotes a word for a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function parsed(command: Command, argv: readonly string[]): Readonly<Record<string, unknown>> {
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
  return command.opts();
}
