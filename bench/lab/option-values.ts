/** Parsers for the values of options. Each throws `InvalidArgumentError` with what was expected. */
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { isStrategyPath } from '../../src/engine/registry.ts';
import { type OptionRow, option } from './command-line.ts';

/** A switch: false unless it is given. */
export const flag = (flags: string, text: string): OptionRow<boolean> =>
  option({ flags, text, fallback: false });

/** A whole number from `range`. */
export const whole = (
  flags: string,
  text: string,
  range: readonly [min: number, max: number],
  fallback: number,
): OptionRow<number> => option({ flags, text, read: wholeNumber(...range), fallback });

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

/** Parses a number, with or without decimals. */
export function number(min: number, max: number): (text: string) => number {
  return text => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected a number from ${min} to ${max}`);
  };
}

/** Parses one of these words; `what` is for the message. */
export function oneOf<Word extends string>(what: string, words: readonly Word[]) {
  return (text: string): Word => {
    const word = words.find(one => one === text);
    if (word !== undefined) return word;
    throw new InvalidArgumentError(
      `unknown ${what} '${text}'; expected one of ${words.join(', ')}`,
    );
  };
}

/** Parses comma-separated words, each one of these. */
export function oneOfEach<Word extends string>(what: string, words: readonly Word[]) {
  const read = oneOf(what, words);
  return (text: string): Word[] => nameList(text).map(read);
}
