/** What the command lines of compare, bench and explore share. */
import { resolve } from 'node:path';
import { type Command, CommanderError, InvalidArgumentError } from 'commander';
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
