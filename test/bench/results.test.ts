import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunFolder, readRun } from '../../bench/compare/files.ts';
import { compareReport } from '../../bench/compare/report.ts';
import { runFile } from '../../bench/compare/schema.ts';
import { summarize } from '../../bench/compare/summary.ts';
import { table } from '../../bench/compare/table.ts';
import { folderName, UnreadableRun } from '../../bench/lab/files.ts';
import { parseResult } from '../../bench/lab/result-file.ts';
import { reportMarkdown } from '../../bench/page/markdown.ts';
import { cell, exampleRun, facts, keysInExample, repetitionsInExample } from './example-run.ts';

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'lockstep-results-'));
});
afterAll(() => rm(out, { recursive: true, force: true }));

describe('raw data on disk', () => {
  test('are read as they were written, and stand in a folder by time and commit', async () => {
    const files = await new RunFolder(out).finish(exampleRun());
    expect(files.raw).toBe(join(out, '2026-11-22T01-02-03Z-0123456', 'run.json'));
    expect(await readRun(files.raw)).toEqual(exampleRun());
    const summary: unknown = JSON.parse(await readFile(files.json, 'utf8'));
    expect(summary).toEqual(JSON.parse(JSON.stringify(summarize(exampleRun()))));
    expect((await readdir(join(out, 'latest'))).toSorted()).toEqual([
      'matrix.json',
      'report.html',
      'report.md',
      'result.json',
    ]);
  });

  test('are never written over: a second run of the same second stands beside', async () => {
    const first = await new RunFolder(out).finish(exampleRun({ seconds: 1 }));
    const second = await new RunFolder(out).finish(exampleRun({ seconds: 2 }));
    expect(second.raw).not.toBe(first.raw);
    expect((await readRun(first.raw)).seconds).toBe(1);
    expect((await readRun(second.raw)).seconds).toBe(2);
  });

  test('latest is of the last run and has no leftover beside it', async () => {
    await new RunFolder(out).finish(exampleRun({ command: 'the last' }));
    expect(await readFile(join(out, 'latest', 'report.md'), 'utf8')).toContain('the last');
    expect((await readdir(out)).filter(name => name.startsWith('latest'))).toEqual(['latest']);
  });

  test('an interrupted run never replaces latest: its reports stand beside its data', async () => {
    await new RunFolder(out).finish(exampleRun({ command: 'a good one' }));
    const folder = new RunFolder(out);
    const own = { end: 'interrupted', incomplete: true, command: 'given up' } as const;
    const raw = await folder.save(exampleRun({ ...own, cells: [] })); // as the run goes on
    expect((await readRun(raw)).cells).toEqual([]);
    const files = await folder.finish(exampleRun(own));
    expect(files.raw).toBe(raw);
    expect((await readRun(raw)).cells).toHaveLength(exampleRun().cells.length);
    expect(await readFile(files.markdown, 'utf8')).toContain('given up');
    expect(await readFile(join(out, 'latest', 'report.md'), 'utf8')).toContain('a good one');
  });

  test('a version without git names the folder', () => {
    const { conditions } = exampleRun();
    expect(
      folderName({
        startedAt: '2026-01-02T03:04:05.6Z',
        conditions: { ...conditions, commit: 'v0.1.0' },
      }),
    ).toBe('2026-01-02T03-04-05Z-v0.1.0');
  });

  test.each([
    ['another version', { ...exampleRun(), version: 2 }, /version 2.*reads version 3.*commit/s],
    ['another format', { ...exampleRun(), format: 'lockstep result' }, /is not a lockstep run/],
    ['a list', [], /is not a lockstep run/],
    ['a part that is missing', { ...exampleRun(), plan: undefined }, /plan/],
    ['a part that nobody knows', { ...exampleRun(), extra: 1 }, /extra/],
  ])('%s is refused', (_, content, message) => {
    const text = JSON.stringify(content);
    expect(() => parseResult(runFile, text, 'run.json')).toThrow(UnreadableRun);
    expect(() => parseResult(runFile, text, 'run.json')).toThrow(message);
  });

  test('a claim has its reason as a code, or none in an older file', () => {
    const withReason = (reason: unknown) => {
      const [first, ...rest] = exampleRun().cells;
      const claimed = { ...first?.claimed, ...(reason !== undefined && { reason }) };
      return JSON.stringify({ ...exampleRun(), cells: [{ ...first, claimed }, ...rest] });
    };
    const reasonOf = (text: string) => parseResult(runFile, text, 'x').cells[0]?.claimed.reason;
    expect(reasonOf(withReason(undefined))).toBeUndefined();
    expect(reasonOf(withReason('locked before check'))).toBe('locked before check');
    expect(() => reasonOf(withReason('because'))).toThrow(/reason/);
  });

  test('half a file is refused', () => {
    expect(() => parseResult(runFile, '{"format":', 'run.json')).toThrow(/run.json is not JSON/);
  });
});

describe('a summary', () => {
  const summary = summarize(exampleRun());
  const of = (name: string) => {
    const found = summary.cells.find(one => one.strategy.name === name);
    if (!found) throw new Error(`no cell of ${name}`);
    return found;
  };

  test('puts the claim beside what was found', () => {
    expect(summary.cells.map(one => [one.strategy.name, one.verdict.observed])).toEqual([
      ['slow', 'safe'],
      ['steady', 'safe'],
      ['unprotected', 'unsafe'],
      ['absent', 'not offered'],
    ]);
    expect(summary.exitCode).toBe(0);
    expect(of('unprotected')).toMatchObject({
      duplicates: 12,
      duplicateKeys: 12,
      acceptedPerKeyMax: 2,
      excessPerKeyMax: 1,
    });
  });

  test('ranks what is safe by cost, and nothing else', () => {
    expect(of('steady').ranks.contested).toMatchObject({ place: 1, timesBest: 1 });
    // 2 callers of one accepted command wait 10 + 11 ms, or 25 + 26 ms; those of the control 10 + 11 for two
    expect(of('slow').ranks.contested).toMatchObject({
      place: 2,
      shared: false,
      timesBest: expect.closeTo(51 / 21, 6),
      toControl: { middle: expect.closeTo(51 / 10.5, 6), blocks: repetitionsInExample },
    });
    expect(of('unprotected').ranks).toEqual({});
    expect(of('absent').ranks).toEqual({});
  });

  test('never ranks a hazard, however safe it looked', () => {
    const under = ['several processes']; // which one process does not bring
    const hazard = facts('steady', { hazard: { why: '', under, cure: 'slow' } });
    const run = exampleRun();
    const strategies = run.strategies.map(one => (one.name === 'steady' ? hazard : one));
    const steady = summarize({ ...run, strategies }).cells.find(
      one => one.strategy.name === 'steady',
    );
    expect(steady?.verdict.observed).toBe('safe');
    expect(steady?.ranks).toEqual({});
  });

  test('has figures of each phase', () => {
    const contested = of('steady').phases?.contested;
    expect(contested).toMatchObject({ keys: keysInExample, commands: 2 * keysInExample });
    expect(contested?.decided).toMatchObject({ p50: 10, max: 10, count: keysInExample });
    expect(contested?.refused).toMatchObject({ p50: 11 });
    expect(contested?.attemptsPerCommand).toBe(1);
    // 60 attempts carry no higher percentile
    expect(contested?.attemptTimes.hold).toMatchObject({ p95: undefined, p99: undefined });
    expect(contested?.attemptTimes.hold?.p50?.atLeast).toBe(false);
    expect(contested?.costs).toEqual(Array(repetitionsInExample).fill(expect.closeTo(21, 6)));
    for (const phase of ['alone', 'busy'] as const)
      expect(of('steady').phases?.[phase].cost?.median).toBeCloseTo(5);
  });

  test('goodput is what the audit leaves of what was accepted', () => {
    const keysEach = keysInExample / repetitionsInExample;
    expect(of('steady').phases?.contested.goodput?.median).toBe(keysEach / 2);
    // 12 of its 30 keys have one too many: 2 or 3 of the 6 in each repetition, of 2 s
    expect(of('unprotected').phases?.contested.goodput?.median).toBe((2 * keysEach - 2) / 2);
  });

  test('goodput does not count what was overwritten', () => {
    const lost = { key: 'slow-0', kind: 'lost update', excess: 4, detail: '' } as const;
    const overwritten = cell('slow', { verdict: 'unsafe', because: 'x' }, { found: [lost] });
    const { cells } = summarize({ ...exampleRun(), cells: [overwritten] });
    // slow-0 is one of the 6 keys of the first repetition, of 2 s
    expect(cells[0]?.phases?.contested.goodput).toMatchObject({ min: (6 - 4) / 2, max: 6 / 2 });
  });

  test('ranks nothing from four repetitions, and says what would', () => {
    const run = exampleRun();
    const cells = run.cells.map(one => ({ ...one, repetitions: one.repetitions.slice(0, 4) }));
    const summary = summarize({ ...run, plan: { ...run.plan, repetitions: 4 }, cells });
    expect(summary.cells.map(one => one.ranks)).toEqual(cells.map(() => ({})));
    for (const text of [table(summary, { color: false }), reportMarkdown(compareReport(summary))])
      expect(text).toContain(
        'Not ranked: 4 of the 5 repetitions that a rank needs; add --repetitions 5.',
      );
  });

  test('calls nothing safe where the control was not seen to fail', () => {
    const run = exampleRun();
    const blind = run.cells.map(one =>
      one.strategy === 'unprotected' ? cell('unprotected', one.claimed, { accepted: 2 }) : one,
    );
    const judged = summarize({ ...run, cells: blind });
    expect(judged.blind).toEqual(['appointment/plain']);
    expect(judged.cells.map(one => one.verdict.observed)).not.toContain('safe');
    expect(judged.exitCode).toBe(3);
  });

  test('judges each place by the control of that place', () => {
    const run = exampleRun();
    const elsewhere = run.cells.map(one => {
      const blind =
        one.strategy === 'unprotected' ? cell('unprotected', one.claimed, { accepted: 2 }) : one;
      return { ...blind, scenario: 'coupon' };
    });
    const judged = summarize({ ...run, cells: [...run.cells, ...elsewhere] });
    expect(judged.blind).toEqual(['coupon/plain']);
    const safe = judged.cells.filter(one => one.verdict.observed === 'safe');
    expect(new Set(safe.map(one => one.scenario))).toEqual(new Set(['appointment']));
  });

  test('ranks inside one place only', () => {
    const run = exampleRun();
    const slower = run.cells.map(one => ({ ...one, scenario: 'coupon' }));
    const { cells } = summarize({ ...run, cells: [...run.cells, ...slower] });
    const places = cells.map(one => one.ranks.contested?.place);
    expect(places).toEqual([2, 1, undefined, undefined, 2, 1, undefined, undefined]);
  });

  test('calls nothing safe where the service missed commands', () => {
    const run = exampleRun();
    const [first, ...rest] = run.cells;
    if (!first) throw new Error('the example has cells');
    const deaf = first.repetitions.map(({ contested, ...rest }) => ({
      ...rest,
      contested: { ...contested, service: { ...contested.service, commands: {} } },
    }));
    const judged = summarize({ ...run, cells: [{ ...first, repetitions: deaf }, ...rest] });
    expect(judged.cells[0]?.verdict.because).toMatch(/metrics/);
  });

  test('tells a violated claim', () => {
    const run = exampleRun();
    const violated = cell(
      'slow',
      { verdict: 'safe', because: 'locked' },
      {
        found: [{ key: 'slow-0', kind: 'false refusal', excess: 1, detail: '' }],
      },
    );
    const cells = run.cells.map(one => (one.strategy === 'slow' ? violated : one));
    expect(summarize({ ...run, cells }).exitCode).toBe(1);
  });

  test('of an interrupted run judges nothing', () => {
    const run = exampleRun({ end: 'interrupted', incomplete: true });
    const cells = run.cells.map(one => ({ ...one, audit: null }));
    const judged = summarize({ ...run, cells });
    expect(judged.exitCode).toBe(130);
    expect(judged.cells.map(one => one.verdict.observed)).not.toContain('safe');
  });
});
