import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunFolder } from '../../bench/compare/files.ts';
import { summarize } from '../../bench/compare/summary.ts';
import type { FloorsResult } from '../../bench/floors/schema.ts';
import { UnreadableRun } from '../../bench/lab/files.ts';
import { newRunFolder, writeCell } from '../../bench/load/files.ts';
import { summarizeBench } from '../../bench/load/summary.ts';
import { readResult } from '../../bench/report/read.ts';
import { wholeReport } from '../../bench/report/whole.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { exampleBench } from './example-bench.ts';
import { exampleRun } from './example-run.ts';

const floors: FloorsResult = {
  format: 'lockstep floors',
  version: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  seconds: 12,
  contests: [
    {
      title: 'Pairs',
      unit: 'pairs/s',
      baseline: 'by hand',
      targets: [
        { of: 'ours', against: 'by hand', atLeast: 0.85 },
        { of: 'ours', atMost: 50 },
      ],
      notes: [],
      entries: ['by hand', 'ours', 'gone'],
      repetitions: [
        { 'by hand': 100, ours: 90 },
        { 'by hand': 50, ours: 30 },
      ],
      failed: { gone: 'not installed' },
    },
  ],
  facts: { Postgres: '18.4' },
};

describe('one reader for every result', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-results-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('reads what compare, bench and floors write, from the folder and from the file', async () => {
    const { raw } = await new RunFolder(folder).finish(exampleRun());
    expect((await readResult(raw)).kind).toBe('run');
    expect((await readResult(join(raw, '..'))).kind).toBe('run');

    const bench = await newRunFolder(folder, exampleBench.plan);
    for (const cell of exampleBench.cells) await writeCell(bench, cell);
    expect(await readResult(bench)).toMatchObject({
      kind: 'bench',
      bench: { cells: [{}, {}, {}, {}] },
    });

    const place = join(folder, 'floors');
    await mkdir(place);
    await writeFile(join(place, 'floors.json'), JSON.stringify(floors));
    expect(await readResult(place)).toEqual({ kind: 'floors', floors });
  });

  test.each([
    ['{"format":"something else","version":1}', /is not a result/],
    ['not json', /is not a result/],
    ['{"format":"lockstep floors","version":9}', /has version 9; this program reads version 1/],
    ['{"format":"lockstep floors","version":1}', /does not match version 1 of the format/],
    ['{"format":"lockstep run","version":1}', /has version 1/],
  ])('refuses %s with words', async (text, words) => {
    const file = join(folder, 'broken.json');
    await writeFile(file, text);
    await expect(readResult(file)).rejects.toThrow(UnreadableRun);
    await expect(readResult(file)).rejects.toThrow(words);
  });

  test('refuses a folder without a result, and one that is not there', async () => {
    await expect(readResult(tmpdir())).rejects.toThrow(/contains no result/);
    await expect(readResult(join(folder, 'nowhere'))).rejects.toThrow(/cannot read/);
  });
});

describe('the whole report', async () => {
  const registry = await loadRegistry([]);
  const bench = summarizeBench(exampleBench, registry);
  const report = wholeReport({ run: summarize(exampleRun()), benches: [bench], floors });

  test('tells safety first, then costs, then floors', () => {
    const page = report['report.html'] ?? '';
    const places = ['id="verdicts"', 'id="rate-and-latency"', 'id="pairs"'].map(id =>
      page.indexOf(id),
    );
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThan(0);
    expect(page).not.toMatch(/https?:\/\/|src=/);
    for (const name of ['report.html', 'report.md', 'report.csv', 'report.json'])
      expect(report[name]).toContain('by hand');
  });

  test('judges a target by the middle of the repetitions, and says what could not run', () => {
    expect(report['report.md']).toContain('✗ ours ≥ 0.85 of by hand: 0.75 (0.60–0.90)');
    expect(report['report.md']).toContain('✗ ours ≤ 50.0 pairs/s: 60.0 (30.0–90.0)');
    expect(report['report.md']).toContain('could not run: not installed');
  });

  test('puts several benches together, each under its own conditions', () => {
    const sweep = (at: number) => ({
      ...bench,
      plan: { ...bench.plan, command: `npm run load -- --sweep ${at}` },
      rows: bench.rows.map(row => ({ ...row, name: `${row.name}.hold=${at}` })),
      missing: [`missing ${at}`],
    });
    const text = wholeReport({ benches: [bench, sweep(1), sweep(3)] });
    for (const name of ['report.html', 'report.md'])
      for (const told of ['hold=1', 'hold=3', '--sweep 1', '--sweep 3', 'Rate and latency'])
        expect(text[name]).toContain(told);
    expect(text['report.html']).toContain(
      `${bench.missing.length + 2} cells of the load were not measured.`,
    );
    expect(() => wholeReport({ benches: [bench, sweep(1), sweep(1)] })).toThrow(
      /two load runs have the cell .*hold=1/,
    );
  });

  test('leads from a cell of the matrix to its evidence', () => {
    const made = exampleRun();
    const elsewhere = made.cells.map(cell => ({ ...cell, variant: 'elsewhere' }));
    const run = summarize({ ...made, cells: [...made.cells, ...elsewhere] });
    const page = wholeReport({ run })['report.html'] ?? '';
    const links = [...page.matchAll(/href="#(evidence-[^"]+)"/g)].map(([, id]) => id);
    expect(links.length).toBeGreaterThan(2);
    for (const id of links) expect(page).toContain(`id="${id}"`);
  });
});
