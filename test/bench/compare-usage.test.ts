import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Ended, startCompare, strategyFile } from './compare-process.ts';

vi.setConfig({ testTimeout: 90_000 }); // starting Node is slow where much else is done

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-usage-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('what is wrong with the command ends with 2 before anything starts', () => {
  const refused = async (...args: readonly string[]): Promise<Ended> => {
    const ended = await startCompare([...args, '--out', join(folder, 'never')], {}).ended;
    expect(ended.stderr).not.toContain('started here');
    expect(ended.code, ended.stderr).toBe(2);
    return ended;
  };

  test('a broken file, with all that is wrong with it', async () => {
    const broken = join(folder, 'broken-lock.ts');
    await writeFile(
      broken,
      strategyFile("turns: 'none', guard: ['pray'],").replace("'pg'", "'my'"),
    );
    const { stderr } = await refused('--strategy', broken);
    for (const part of ['broken-lock.ts', 'store', 'turns', 'guard'])
      expect(stderr).toContain(part);
  });

  test('a file that is not there', async () => {
    const { stderr } = await refused('--strategy', join(folder, 'no-such-lock.ts'));
    expect(stderr).toContain('no-such-lock.ts');
  });

  test('a name that nobody has', async () => {
    const { stderr } = await refused('--strategy', 'rowlock');
    expect(stderr).toMatch(/'rowlock'.*row-lock/s);
  });

  test('a scenario that nobody has', async () => {
    expect((await refused('--scenario', 'weddings')).stderr).toMatch(/'weddings'.*appointment/s);
  });

  test('a number that is none', async () => {
    expect((await refused('--rounds', 'many')).stderr).toContain('whole number from 1 to 100000');
  });

  test('a variable of the environment', async () => {
    const ended = await startCompare([], { WAIT_MS: 'long' }).ended;
    expect(ended.stderr).toMatch(/WAIT_MS.*whole number/);
    expect(ended.code).toBe(2);
  });
});

test('--help ends with 0 and starts nothing', async () => {
  const ended = await startCompare(['--help'], {}).ended;
  expect(ended.stdout).toContain('Exit codes');
  expect(ended.code).toBe(0);
});
