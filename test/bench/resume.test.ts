import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandLine, readOptions } from '../../bench/compare/options.ts';
import { cellName, finishedCells, optionsOf } from '../../bench/compare/resume.ts';
import { UsageError } from '../../bench/lab/command-line.ts';
import { codeOf } from '../../bench/lab/conditions.ts';
import { assertSame } from '../../bench/lab/same-conditions.ts';
import { cell, exampleRun, facts } from './example-run.ts';

const ours = exampleRun();
const strategies = ours.strategies.filter(({ source }) => source === 'ours');

describe('a run that was interrupted', () => {
  test('keeps the scenarios in which every offered cell was audited, and only those', () => {
    const [first] = exampleRun().cells;
    if (!first) throw new Error('the example has no cell');
    const at = (scenario: string, own: Partial<typeof first>) => ({ ...first, scenario, ...own });
    const notOffered = { ...first.claimed, verdict: 'not offered' as const };
    const cells = [
      at('payout', {}),
      at('payout', { variant: 'outbox', audit: null, claimed: notOffered }),
      at('coupon', {}),
      at('coupon', { variant: 'grouped', audit: null }),
      at('transfer', { asked: null }),
    ];
    const kept = finishedCells(exampleRun({ cells }));
    expect([...kept.keys()]).toEqual(cells.slice(0, 2).map(cellName));
  });

  test('is gone on with by the options that it was begun with', () => {
    const typed =
      '--scenario payout,coupon --variant plain --rounds 9 --rivals 3 --explore-seconds 0 --seed 7';
    const begun = readOptions(typed.split(' '));
    const command = commandLine(begun, { LEASE_MS: '50', LOCK: "it's -- two words" });
    expect(optionsOf(exampleRun({ strategies, command }), 'elsewhere', true)).toEqual({
      ...begun,
      out: 'elsewhere',
      json: true,
    });
  });

  test('is not gone on with where a strategy came from a file that may have changed', () => {
    const outside = facts('mine', { source: 'outside' });
    const run = exampleRun({ strategies: [...strategies, outside] });
    expect(() => optionsOf(run, 'results', false)).toThrow(UsageError);
    expect(() => optionsOf(run, 'results', false)).toThrow('run it again');
  });

  test('is not gone on with on other code or other servers, and says what is different', () => {
    const conditions = { ...ours.conditions, changed: false };
    expect(() => assertSame(conditions, { ...conditions })).not.toThrow();
    const redis = { ...conditions.redis, version: '6.2.0' };
    expect(() => assertSame(conditions, { ...conditions, redis, commit: 'abc' })).toThrow(
      `the commit was ${conditions.commit}, is now abc; Redis was ${conditions.redis.version}, is now 6.2.0`,
    );
  });
});

describe('a run on files that differ from the commit', () => {
  const { conditions } = ours;
  const dirty = { ...conditions, changed: true };

  test('is gone on with on the same files', () => {
    const code = { ...dirty, code: 'a1' };
    expect(() => assertSame(code, { ...code })).not.toThrow();
    expect(() => assertSame(code, { ...code, code: 'b2' })).toThrow('not the same as then');
  });

  test('is not gone on with where nobody knows which files ran', () => {
    const clean = { ...conditions, changed: false };
    expect(() => assertSame(dirty, { ...dirty, code: 'a1' })).toThrow('nobody can tell');
    expect(() => assertSame(clean, { ...dirty, code: 'a1' })).toThrow('nobody can tell');
    expect(() => assertSame(clean, { ...clean, code: 'a1' })).not.toThrow();
  });

  test('is told from another by the content of every file that can run', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-'));
    try {
      for (const part of ['bench', 'src', 'strategies']) await mkdir(join(folder, part));
      const file = join(folder, 'src', 'one.ts');
      await writeFile(file, 'export const a = 1;');
      const before = await codeOf(folder);
      expect(await codeOf(folder)).toBe(before);
      await writeFile(file, 'export const a = 2;');
      expect(await codeOf(folder)).not.toBe(before);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test('a cell is named by its place and its strategy', () => {
  expect(cellName(cell('row-lock', { verdict: 'safe', because: 'locked' }))).toBe(
    'appointment/plain row-lock',
  );
});
