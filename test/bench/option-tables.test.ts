import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readExploreOptions } from '../../bench/explore/options.ts';
import { argumentsIn, HelpAsked, UsageError } from '../../bench/lab/command-line.ts';
import { commandLine, readBenchOptions } from '../../bench/load/options.ts';

describe('the echo of explore-strategies repeats it', () => {
  test.each([
    ['--all', 'npm run explore-strategies -- --all'],
    ['--pairs --unbounded --json', 'npm run explore-strategies -- --pairs --unbounded'],
    [
      '--strategy row-lock --no-phases --events none --round couple,plain --workers 1',
      'npm run explore-strategies -- --strategy row-lock --round couple,plain --events none --no-phases --workers 1',
    ],
    [
      '--scenario payout --strategy ./mine.ts --events crash,pause --cell-seconds 7 --first',
      `npm run explore-strategies -- --scenario payout --strategy ${resolve('mine.ts')} ` +
        '--events crash,pause --first --cell-seconds 7',
    ],
  ])('%s', (typed, told) => {
    const read = readExploreOptions(typed.split(' '));
    expect(read.command.replace(/ --workers \d+/, '')).toBe(told.replace(/ --workers \d+/, ''));
    const again = readExploreOptions(argumentsIn(read.command));
    expect(again.reach).toEqual(read.reach);
    expect({ ...again, json: read.json, timelines: read.timelines }).toEqual(read);
  });

  test('and so does that of load, seed and pattern included', () => {
    const typed = ['--filter', 'row-lock|none', '--sweep', 'hold', '--points', '0.1,3', '--json'];
    const read = readBenchOptions(typed, () => 5);
    const told = commandLine(read);
    expect(told).toBe(
      "npm run load -- --seed 5 --sweep hold --points 0.1,3 --filter 'row-lock|none'",
    );
    expect(readBenchOptions(argumentsIn(told))).toEqual({ ...read, json: false });
  });
});

describe('a value is checked before anything runs', () => {
  test.each([
    [['--all', '--actors', '9'], /whole number from 1 to 5/],
    [['--all', '--events', 'crsh'], /no event 'crsh' \(did you mean 'crash'\?\)/],
    [['--all', '--preemptons', '1'], /Did you mean --preemptions/],
    [['--scenario', 'payout'], /no strategy given/],
    [['row-lock'], /too many arguments/],
  ])('%j of explore-strategies', (argv, told) => {
    expect(() => readExploreOptions(argv)).toThrow(UsageError);
    expect(() => readExploreOptions(argv)).toThrow(told);
  });

  test.each([
    [['--workload', 'avrage'], /unknown workload 'avrage'; expected one of smoke, average/],
    [['--sweep', 'kyes'], /unknown sweep 'kyes'; expected one of contenders, keys/],
    [['--rate', '0'], /a number from 1 to 100000/],
    [['--filter', '('], /a regular expression/],
    [['--points', '1'], /--points needs --sweep/],
  ])('%j of load', (argv, told) => {
    expect(() => readBenchOptions(argv)).toThrow(UsageError);
    expect(() => readBenchOptions(argv)).toThrow(told);
  });
});

test('the help of explore-strategies shows defaults of values and none of switches', () => {
  const help = textOf(() => readExploreOptions(['--help']));
  expect(help).toMatch(/--actors <n> +number of callers \(default: 2\)/);
  expect(help).toMatch(/--first +stop at the first counterexample\n/);
  expect(help).toMatch(/--events <list> +events: [^(]+ \(default:\s+[a-z-]+/);
});

function textOf(asks: () => unknown): string {
  try {
    asks();
  } catch (error) {
    if (error instanceof HelpAsked) return error.text;
    throw error;
  }
  return '';
}
