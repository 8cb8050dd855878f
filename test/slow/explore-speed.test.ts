import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { speedScenarios } from '../../bench/explore/explore-speed-scenarios.ts';
import { programArgs } from '../fixtures/program.ts';
import { root } from '../house/sources.ts';

test('the speed of the explorer is told beside its floor, for every program and repetition', async () => {
  const short = ['--repetitions', '2', '--seconds', '0.1'];
  const args = [...programArgs('bench/cli/lockstep'), 'dev-explore-speed', ...short];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  const rows = stdout.trim().split('\n').slice(2);
  expect(rows.map(row => row.split(' | ')[0]?.slice(2))).toEqual(
    speedScenarios.map(({ name }) => name),
  );
  for (const row of rows) expect(row).toMatch(/ \| \d+ % \(\d+–\d+\) \| /);
  expect(stdout).not.toMatch(/NaN|Infinity/);
});

test('a number that makes no sense is refused', async () => {
  for (const wrong of [
    ['--seconds', '0'],
    ['--repetitions', '1.5'],
    ['--repetitions', 'many'],
  ]) {
    const run = promisify(execFile)(process.execPath, [
      ...programArgs('bench/cli/lockstep'),
      'dev-explore-speed',
      ...wrong,
    ]);
    await expect(run).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(wrong[0] ?? ''),
    });
  }
});
