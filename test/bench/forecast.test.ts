import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { durationText, forecast, timeText } from '../../bench/lab/forecast.ts';
import { timeOf } from '../../bench/load/forecast.ts';
import { readBenchOptions } from '../../bench/load/options.ts';
import { planOf } from '../../bench/load/plan.ts';
import { loadRegistry } from '../../src/engine/registry.ts';

describe('the time that is told', () => {
  test.each([
    [{ leastSeconds: 61, mostSeconds: 600 }, '61 s to 10 min'],
    [{ leastSeconds: 600, mostSeconds: 601 }, '10 min to 11 min'],
    [{ leastSeconds: 600, mostSeconds: 600 }, '10 min'],
    [{ leastSeconds: 12.2 }, 'at least 13 s'],
    [{ mostSeconds: 900 }, 'at most 15 min'],
    [{ aboutSeconds: 63 }, 'about 63 s'],
    [{}, 'as long as this machine needs'],
  ])('%j', (plan, told) => {
    expect(timeText({ work: '2 cells', besides: 'the start', ...plan })).toBe(
      `2 cells: ${told}, besides the start.`,
    );
  });

  test.each([
    [3_600, '1 h'],
    [3_601, '1 h 1 min'],
    [7_140, '1 h 59 min'],
  ])('%i s', (seconds, told) => expect(durationText(seconds)).toBe(told));
});

describe('of a load', async () => {
  const registry = await loadRegistry([]);
  const time = (...argv: string[]) => {
    const options = readBenchOptions(['--strategy', 'row-lock', ...argv], () => 7);
    return timeOf(planOf(registry, options).cells, options);
  };

  test('is what k6 is told: warm-up, load, grace before the audit, and the audit at most', () => {
    // 3 + 1 of warm-up, 20 of load, 5 of grace; then an audit of 60 at most, and k6's own 30
    const [least, most] = [4 + 20 + 5, 4 + 20 + 5 + 60 + 30];
    expect(time('--repetitions', '1')).toMatchObject({
      work: '2 cells',
      leastSeconds: 2 * least,
      mostSeconds: 2 * most,
    });
    const longer = time('--repetitions', '3', '--duration', '50', '--warm-up', '0');
    expect(longer).toMatchObject({ work: '6 cells', leastSeconds: 6 * 55 });
    expect(longer.besides).toContain('3 starts of the service');
  });

  test('has bystanders in it, who are alone for 5 s', () => {
    const usual = time().leastSeconds ?? 0;
    expect(time('--bystanders', '9').leastSeconds).toBe(usual + 6 * 5);
  });

  test('of closed workloads has no end but the limit of k6', () => {
    expect(time('--workload', 'closed', '--repetitions', '1')).toMatchObject({
      leastSeconds: 2 * 4,
      mostSeconds: 2 * (4 + 300 + 5),
    });
  });
});

describe('the space that is told', () => {
  const time = { work: '1 cell', besides: 'the start' };

  test('is what is free where results and a started Postgres go', async () => {
    const { bavail, bsize } = await statfs(tmpdir());
    const lines = await forecast(time, { out: tmpdir(), startsPostgres: true });
    expect(lines).toHaveLength(bavail * bsize < 1_114 * 2 ** 20 ? 4 : 3);
    for (const line of lines.slice(1, 3)) expect(line).toMatch(/where [\d.]+ [MG]iB are free/);
  });

  test('leaves out what is not written', async () => {
    expect(await forecast(time, { startsPostgres: false })).toEqual([
      '1 cell: as long as this machine needs, besides the start.',
    ]);
  });
});
