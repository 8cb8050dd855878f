import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readResult } from '../../bench/report/read.ts';
import { programArgs } from '../fixtures/program.ts';
import { root } from '../house/sources.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-floors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (name: string, ...args: readonly string[]) =>
  promisify(execFile)(process.execPath, [...programArgs('bench/cli/lockstep'), name, ...args], {
    cwd: root,
  });

test('floors are measured, read back, and told in the report', async () => {
  const short = ['--repetitions', '1', '--seconds', '0.2', '--out', folder];
  const { stdout, stderr } = await run('floors', '--only', 'references,late-release', ...short);
  expect(stderr).toMatch(/^2 contests of two entries or more: at least 7 s, .*\n.* are free/);
  const [name = ''] = await readdir(folder);
  const result = await readResult(join(folder, name));
  if (result.kind !== 'floors') throw new Error(`this is a ${result.kind}`);
  const [references, late] = result.floors.contests;
  const [figures = {}] = references?.repetitions ?? [];
  for (const entry of references?.entries ?? []) expect(figures[entry]).toBeGreaterThan(0);
  // who refers to a row under FOR UPDATE waits for its lock, 5 ms at a time
  expect(figures['FOR UPDATE']).toBeGreaterThan(5);
  expect(Object.values(late?.repetitions[0] ?? {})).toEqual([1, 1, 1, 1]);
  expect(stdout).toContain('✓ redlock ≤ 2.00 commands to a node: 1.00');

  const out = join(folder, 'report');
  await run('report', join(folder, name), '--out', out);
  expect((await readdir(out)).sort()).toEqual([
    'report.csv',
    'report.html',
    'report.json',
    'report.md',
  ]);
});
