import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandLine, readOptions, settingsOf } from '../../bench/compare/options.ts';
import { argumentsIn, HelpAsked, UsageError } from '../../bench/lab/command-line.ts';

const read = (...argv: string[]) => readOptions(argv, () => 5);

describe('the command line', () => {
  test('needs nothing', () => {
    expect(read()).toMatchObject({
      scenarios: [],
      variants: [],
      strategies: [],
      rounds: undefined,
      rivals: 8,
      processes: 4,
      repetitions: undefined,
      seed: 5,
      exploreSeconds: 25,
      json: false,
      out: 'results',
    });
  });

  test('takes names and paths, with commas or again', () => {
    const { strategies } = read('--strategy', 'row-lock, ./mine.ts', '--strategy', 'redlock');
    expect(strategies).toEqual(['row-lock', resolve('mine.ts'), 'redlock']);
  });

  test('takes scenarios and variants', () => {
    const named = read('--scenario', 'payout, coupon', '--variant', 'plain,coupon/checked-again');
    expect(named.scenarios).toEqual(['payout', 'coupon']);
    expect(named.variants).toEqual(['plain', 'coupon/checked-again']);
  });

  test('repeats the main job more often than a matrix', () => {
    const repetitions = (...argv: string[]) =>
      settingsOf(read(...argv), { waitMs: 1_000, leaseMs: 1_000 }).repetitions;
    expect(repetitions()).toBeGreaterThan(repetitions('--scenario', 'all'));
    expect(repetitions('--scenario', 'all', '--repetitions', '9')).toBe(9);
  });

  test('takes numbers', () => {
    const all = ['--rounds', '7', '--rivals', '3', '--processes', '1', '--repetitions', '2'];
    expect(read(...all, '--seed', '0', '--json', '--out', 'elsewhere')).toMatchObject({
      rounds: 7,
      rivals: 3,
      processes: 1,
      repetitions: 2,
      seed: 0,
      json: true,
      out: 'elsewhere',
    });
  });

  test.each([
    [['--rounds', '0'], /--rounds.*whole number from 1 to 100000/s],
    [['--rounds', '1.5'], /whole number/],
    [['--rounds', 'many'], /whole number/],
    [['--rivals', '65'], /whole number from 1 to 64/],
    [['--processes', '-1'], /whole number from 1 to 16/],
    [['--seed', '1e3'], /whole number/],
    [['--strategy', 'a,,b'], /comma-separated names or paths/],
    [['--scenario', 'a,,b'], /comma-separated names/],
    [['--stratgy', 'a'], /Did you mean --strategy/],
    [['--rounds'], /argument missing/],
    [['row-lock'], /too many arguments/],
  ])('%j is refused with what to write', (argv, message) => {
    expect(() => read(...argv)).toThrow(UsageError);
    expect(() => read(...argv)).toThrow(message);
  });

  test('--help tells examples and every exit code, within 100 columns', () => {
    const help = helpText();
    for (const part of ['npm run compare -- --strategy ./my-lock.ts', '  0  ', '  1  ', '  130  '])
      expect(help).toContain(part);
    expect(help.split('\n').filter(line => line.length > 100)).toEqual([]);
  });

  test('the line that is told repeats the run, seed included', () => {
    const options = read('--strategy', 'row-lock', '--rounds', '9', '--processes', '2');
    const told = commandLine(options);
    expect(told).toBe('npm run compare -- --strategy row-lock --rounds 9 --processes 2 --seed 5');
    expect(readOptions(told.split(' ').slice(4))).toEqual(options);
    const matrix = read('--scenario', 'payout,coupon', '--variant', 'plain', '--repetitions', '2');
    expect(readOptions(commandLine(matrix).split(' ').slice(4))).toEqual(matrix);
  });

  test('and quotes for the shell what needs it', () => {
    const options = { ...read(), strategies: ["/home/o'neil/my lock.ts"] };
    const told = commandLine(options, { LEASE_MS: '50' });
    expect(told).toBe(
      "LEASE_MS=50 npm run compare -- --strategy '/home/o'\\''neil/my lock.ts' --seed 5",
    );
    expect(readOptions(argumentsIn(told))).toEqual(options);
  });
});

function helpText(): string {
  try {
    read('--help');
  } catch (error) {
    if (error instanceof HelpAsked) return error.text;
  }
  return '';
}
