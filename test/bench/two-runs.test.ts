import { describe, expect, test } from 'vitest';
import type { Run } from '../../bench/compare/schema.ts';
import { summarize } from '../../bench/compare/summary.ts';
import { differencesOf, type Pair } from '../../bench/lab/differences.ts';
import { randomOf } from '../../bench/lab/random.ts';
import { summarizeBench } from '../../bench/load/summary.ts';
import { reportMarkdown } from '../../bench/page/markdown.ts';
import { comparedLoad, comparedRun, diffExit, runsCompared } from '../../bench/report/two-runs.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { exampleBench } from './example-bench.ts';
import { exampleRun } from './example-run.ts';

const registry = await loadRegistry([]);
const run = exampleRun();

/** The run with every answer of one strategy so many times slower, a little differently per block. */
function slower(name: string, factor: number): Run {
  const slow = (ms: number, block: number): number => ms * factor * (1 + block / 100);
  const cells = run.cells.map(cell => ({
    ...cell,
    repetitions: cell.repetitions.map((one, block) => ({
      ...one,
      contested: {
        ...one.contested,
        rounds: one.contested.rounds.map(round => ({
          ...round,
          calls: round.calls.map(call =>
            cell.strategy === name ? { ...call, ms: slow(call.ms, block) } : call,
          ),
        })),
      },
    })),
  }));
  return { ...run, cells };
}
const compared = (one: Run) => comparedRun(summarize(one));

describe('two runs of compare', () => {
  test('without a difference have none, and end well', () => {
    const { report, regressions } = runsCompared(compared(run), compared(run), 0);
    expect(report.answer).toBe('0 of 6 figures differ beyond chance.');
    expect(regressions).toEqual([]);
    expect(reportMarkdown(report)).toMatch(/slow \| contested, × control .*\| ~ \|/);
  });

  test('with a slower strategy name it, and only beyond the limit is it a regression', () => {
    const after = compared(slower('slow', 1.5));
    const { report, regressions } = runsCompared(compared(run), after, 0.2);
    expect(report.answer).toBe('1 of 6 figures differ beyond chance.');
    expect(regressions).toEqual(['appointment/plain slow: contested, × control +53 %']);
    expect(runsCompared(compared(run), after, 0.6).regressions).toEqual([]);
    expect(runsCompared(compared(run), after, undefined).regressions).toEqual([]);
    expect(runsCompared(after, compared(run), 0).regressions).toEqual([]); // it became better
  });

  test('on a machine that is slower for everybody have no difference', () => {
    const cells = run.cells.map((cell, at) => slower(cell.strategy, 3).cells[at] ?? cell);
    const all = { ...run, cells };
    expect(runsCompared(compared(run), compared(all), 0).regressions).toEqual([]);
  });

  test('a verdict that changed is a regression', () => {
    const cells = run.cells.map(cell =>
      cell.strategy === 'slow' ? { ...cell, audit: null } : cell,
    );
    const { regressions } = runsCompared(compared(run), compared({ ...run, cells }), 10);
    expect(regressions).toEqual(['appointment/plain slow: safe, now inconclusive']);
  });

  test('a cell that is gone from the second run is a regression', () => {
    const cells = run.cells.filter(({ strategy }) => strategy !== 'slow');
    const result = runsCompared(compared(run), compared({ ...run, cells }), 10);
    expect(result.regressions).toEqual(['appointment/plain slow: not in the second run']);
    expect(diffExit(result, 10)).toBe(1);
  });

  test('of one repetition each do not pass a limit, for chance cannot be told', () => {
    const cells = run.cells.map(cell => ({ ...cell, repetitions: cell.repetitions.slice(0, 1) }));
    const once = compared({ ...run, cells });
    const exit = (one: typeof once, limit?: number) =>
      diffExit(runsCompared(one, one, limit), limit);
    expect([exit(once), exit(once, 10), exit(compared(run), 10)]).toEqual([0, 3, 0]);
    expect(exit({ ...once, cells: [] }, 10)).toBe(3);
  });

  test('on unlike machines say so', () => {
    const { conditions } = run;
    const other = { ...conditions, machine: { ...conditions.machine, cores: 64 } };
    const { report } = runsCompared(compared(run), compared({ ...run, conditions: other }), 0);
    expect(report.warnings).toEqual(['Different conditions: cores 2 and 64.']);
  });
});

test('two runs of load are compared by their repetitions', () => {
  const { plan, cells } = exampleBench;
  const of = (seconds: number) =>
    comparedLoad(
      summarizeBench(
        { plan, cells: cells.map(cell => ({ ...cell, k6: cell.k6 && { ...cell.k6, seconds } })) },
        registry,
      ),
    );
  expect(runsCompared(of(10), of(10), 0).regressions).toEqual([]);
  const text = reportMarkdown(runsCompared(of(10), of(5), 0).report);
  // two repetitions that differ by a third cannot show that the rate has doubled
  expect(text).toMatch(/row-lock.* \| goodputPerSecond \| 3\.50 \| 7\.00 \| \+100 % .*\| ~ \|/);
});

test('figures of the same code differ in one run of twenty at most, however many there are', () => {
  const random = randomOf(11, 'same');
  const sample = () => Array.from({ length: 5 }, () => 10 + random() + random() + random());
  let wrong = 0;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const pairs = Array.from(
      { length: 60 },
      (_, at): Pair => ({
        cell: String(at),
        figure: 'ms',
        before: sample(),
        after: sample(),
        better: 'lower',
      }),
    );
    if (differencesOf(pairs).some(one => one.verdict !== 'same')) wrong += 1;
  }
  expect(wrong).toBeLessThanOrEqual(10);
});
