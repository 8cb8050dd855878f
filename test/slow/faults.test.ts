import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFaults } from '../../bench/faults/files.ts';
import { historyOf, toldIn } from '../../bench/faults/history.ts';
import { lostOf, verdictOf, violationsOf } from '../../bench/faults/verdict.ts';
import { programArgs } from '../fixtures/program.ts';
import { root } from '../house/sources.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-faults-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>(resolve => {
    execFile(
      process.execPath,
      [...programArgs('bench/cli/lockstep'), 'faults', ...args, '--out', folder],
      { cwd: root },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

const foldersIn = async (): Promise<string[]> => (await readdir(folder)).sort();

test('a kill and a pause do to each lock what its facts say, and the controls are harmed', async () => {
  const faults = ['--fault', 'holder-killed,holder-paused', '--lease-ms', '1500'];
  const { code, stdout, stderr } = await run(
    ...faults,
    '--strategy',
    'row-lock,redis-lease-fenced',
  );
  const [name = ''] = await foldersIn();
  const result = await readFaults(join(folder, name, 'faults.json'));
  const told = result.cells.map(cell => ({ cell, ...verdictOf(result, cell) }));
  expect(
    told.filter(({ verdict }) => verdict !== 'as predicted'),
    `${stdout}\n${stderr}`,
  ).toEqual([]);
  expect(code).toBe(0);

  const own = result.cells.filter(({ control }) => !control);
  expect(own.map(({ fault, strategy }) => `${fault} ${strategy}`).sort()).toEqual([
    'holder-killed redis-lease-fenced',
    'holder-killed row-lock',
    'holder-paused redis-lease-fenced',
    'holder-paused row-lock',
  ]);
  for (const cell of own) {
    expect(violationsOf(cell) + lostOf(cell)).toBe(0);
    expect(cell.wire.filter(({ held }) => held)).toHaveLength(1);
    expect(cell.judged?.acknowledged).toBeGreaterThan(20);
  }
  const [killed] = result.cells.filter(({ control }) => control);
  expect(killed).toMatchObject({ judged: { stuck: true }, phase: 'granted' });
  expect(
    result.cells
      .filter(({ control, fault }) => control && fault === 'holder-paused')
      .map(violationsOf),
  ).not.toContain(0);

  const histories = join(folder, name, 'histories');
  const [first = ''] = (await readdir(histories)).filter(file => file.includes('row-lock'));
  const history = historyOf(await readFile(join(histories, first), 'utf8'));
  expect(toldIn(history).filter(({ role }) => role === 'struck')).toHaveLength(1);
  expect(await readdir(join(folder, name))).toEqual(
    expect.arrayContaining(['report.html', 'report.md', 'report.csv']),
  );
});

test('who has left is not served, a lost reply is found again, and a full disk is told as that', async () => {
  const before = await foldersIn();
  const { code, stdout, stderr } = await run(
    ...['--fault', 'client-gone,commit-reply-lost,disk-full', '--lease-ms', '1000'],
    ...['--strategy', 'row-lock,redis-lease'],
  );
  const [name = ''] = (await foldersIn()).filter(one => !before.includes(one));
  const result = await readFaults(join(folder, name, 'faults.json'));
  const cellsUnder = (fault: string) => result.cells.filter(cell => cell.fault === fault);
  const canFill = cellsUnder('disk-full').every(({ state }) => state !== 'skipped');
  if (process.env.LOCKSTEP_REQUIRE_TOOLS === '1') expect(canFill).toBe(true);
  const told = result.cells
    .filter(({ state }) => state !== 'skipped')
    .map(cell => ({ cell, ...verdictOf(result, cell) }));
  expect(
    told.filter(({ verdict }) => verdict !== 'as predicted'),
    `${stdout}\n${stderr}`,
  ).toEqual([]);
  expect(code).toBe(canFill || !process.env.CI ? 0 : 4);

  // each control was harmed by what it lacks, and nobody else
  const [[goneBare, ...gone], [lostBare, ...lost]] = [
    cellsUnder('client-gone'),
    cellsUnder('commit-reply-lost'),
  ] as const;
  expect(goneBare).toMatchObject({ control: true, judged: { forNobody: expect.any(Number) } });
  expect(goneBare?.judged?.forNobody).toBeGreaterThan(1);
  expect(gone.map(({ phase, judged }) => [phase, judged?.forNobody])).toEqual([
    ['waiting', 0],
    ['waiting', 0],
  ]);
  expect(lostBare).toMatchObject({ control: true, judged: { twice: 1 } });
  for (const { judged } of lost) expect(judged).toMatchObject({ twice: 0, unexplained: 0 });

  // the struck command was not told, asked again, and got the answer of the first
  const histories = join(folder, name, 'histories');
  const historyIn = async (of: string) =>
    toldIn(historyOf(await readFile(join(histories, `${of}.jsonl`), 'utf8')));
  const asked = await historyIn('commit-reply-lost-commit-applied-row-lock');
  const answers = (role: string) =>
    asked.filter(one => one.role === role).map(({ answer }) => answer?.outcome);
  expect(answers('struck')).toEqual(['unknown']);
  expect(answers('again')).toEqual(['accepted']);

  if (!canFill) return;
  for (const { ready } of cellsUnder('disk-full')) expect(ready).toBe('not ready');
  const full = await historyIn('disk-full-holding-row-lock');
  const details = new Set(full.map(({ answer }) => answer?.detail));
  expect([...details]).toContain('postgres-disk-full');
  expect(full.filter(({ answer }) => answer?.detail === 'internal-error')).toEqual([]);
});
