import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRun } from '../../bench/compare/files.ts';
import { compareReport } from '../../bench/compare/report.ts';
import { type CellSummary, summarize } from '../../bench/compare/summary.ts';
import { reportHtml } from '../../bench/page/html.ts';
import { reportMarkdown } from '../../bench/page/markdown.ts';
import { testServers } from '../servers.ts';
import {
  type Ended,
  leakyTurns,
  rawFile,
  runMs,
  startCompare,
  strategyFile,
} from './compare-process.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-compare-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function shared(): Record<string, string> {
  const { postgresUrl, redisUrl, redisNodeUrls } = testServers();
  return { DATABASE_URL: postgresUrl, REDIS_URL: redisUrl, REDIS_NODES: redisNodeUrls.join(',') };
}

const small = ['--rounds', '16', '--repetitions', '5', '--seed', '7', '--explore-seconds', '4'];

describe('four processes', () => {
  let ended: Ended;
  let out: string;
  let cells: ReadonlyMap<string, CellSummary>;

  beforeAll(async () => {
    out = join(folder, 'four');
    const mine = join(folder, 'my-lock.ts');
    await writeFile(mine, strategyFile("turns: [], guard: ['lock row'],"));
    const liar = join(folder, 'liar.ts');
    const turn = 'turn: (attempt, keys, inner) => inner({}), close: async () => {}';
    const turns = `[{ heldBy: 'lease', until: 'commit', open: async () => ({ ${turn} }) }]`;
    await writeFile(liar, strategyFile(`turns: ${turns}, guard: [],`));
    const asked = `process-mutex,${mine},${liar}`;
    const args = ['--strategy', asked, '--json', '--out', out, ...small];
    ended = await startCompare(args, shared()).ended;
    const summary = summarize(await readRun(await rawFile(out)));
    expect(summary.brokenOff).toBe('');
    cells = new Map(summary.cells.map(cell => [cell.strategy.name, cell]));
  }, runMs);

  test('show what the control and a lock in one process let through', () => {
    for (const name of ['unprotected', 'process-mutex']) {
      expect(cells.get(name)?.verdict).toMatchObject({
        observed: 'unsafe',
        agreement: 'as claimed',
      });
      expect(cells.get(name)?.duplicates).toBeGreaterThan(0);
    }
    expect(cells.get('unprotected')?.strategy.control).toBe(true);
  });

  test('let a lock in one process exceed by no more than one for each further process', () => {
    expect(cells.get('process-mutex')?.excessPerKeyMax).toBeLessThanOrEqual(3);
  });

  test('compare a strategy from outside like our own', () => {
    const mine = cells.get('my-lock');
    expect(mine?.strategy.source).toBe('outside');
    expect(mine?.verdict).toMatchObject({ observed: 'safe', agreement: 'as claimed' });
    expect(mine?.ranks.contested?.place).toBe(1);
  });

  test('see a strategy fail that claims a lease and takes none, and end with 1 for it', () => {
    const verdict = { observed: 'unsafe', agreement: 'claim violated' };
    expect(cells.get('liar')?.claimed.verdict).toBe('safe');
    expect(cells.get('liar')?.verdict).toMatchObject(verdict);
    expect(ended.code, ended.stderr).toBe(1);
  });

  test('meet every key with callers in several processes, some of them tapping twice', async () => {
    const run = await readRun(await rawFile(out));
    const rounds = run.cells.flatMap(cell =>
      cell.repetitions.flatMap(repetition => repetition.contested.rounds),
    );
    expect(rounds).toHaveLength(4 * 5 * 16);
    for (const round of rounds) {
      expect(new Set(round.calls.map(call => call.process)).size).toBe(4);
      expect(new Set(round.calls.map(call => call.actor)).size).toBe(8);
    }
    expect(rounds.some(round => round.calls.length > 8)).toBe(true);
    expect(new Set(rounds.map(round => round.capacity))).toEqual(new Set([1, 2]));
  });

  test('leave complete files, all of them functions of the raw data', async () => {
    const summary = summarize(await readRun(await rawFile(out)));
    const report = compareReport(summary);
    const text = (name: string) => readFile(join(out, 'latest', name), 'utf8');
    expect(JSON.parse(ended.stdout)).toEqual(JSON.parse(JSON.stringify(summary)));
    expect(await text('result.json')).toBe(ended.stdout);
    expect(await text('report.md')).toBe(reportMarkdown(report));
    expect(await text('report.html')).toBe(reportHtml(report));
  });

  test('have figures of every kind, those of the service included', () => {
    const phases = cells.get('my-lock')?.phases;
    for (const phase of [phases?.contested, phases?.alone, phases?.busy]) {
      expect(phase?.accepted?.count).toBeGreaterThan(0);
      expect(phase?.commandTimes.accepted?.count).toBe(phase?.outcomes.accepted);
      for (const name of ['pool', 'wait', 'hold', 'commit'])
        expect(phase?.attemptTimes[name]?.count, name).toBeGreaterThan(0);
    }
    expect(phases?.contested.refused?.count).toBeGreaterThan(0);
  });

  test('are told on standard error step by step, without a terminal in plain lines', () => {
    expect(ended.stderr).toMatch(/\[1\/21\] appointment\/plain .*repetition 1 of 5\n/);
    expect(ended.stderr).toContain('[21/21] audit of appointment');
    expect(ended.stderr).not.toContain(String.fromCharCode(27));
  });
});

test(
  'one process: its mutex is safe there, and the control still fails',
  async () => {
    const out = join(folder, 'one');
    const args = ['--processes', '1', '--strategy', 'process-mutex', '--out', out, ...small];
    const ended = await startCompare(args, shared()).ended;
    const { cells } = summarize(await readRun(await rawFile(out)));
    const verdicts = cells.map(cell => [cell.strategy.name, cell.verdict.observed]);
    expect(new Map(verdicts.map(([name, verdict]) => [name, verdict]))).toEqual(
      new Map([
        ['unprotected', 'unsafe'],
        ['process-mutex', 'safe'],
      ]),
    );
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout).toContain('✓ process-mutex');
  },
  runMs,
);

test(
  'a lock that is not given back is seen after the load, and not ranked',
  async () => {
    const out = join(folder, 'leaky');
    const leaky = join(folder, 'leaky.ts');
    await writeFile(leaky, strategyFile(`turns: ${leakyTurns}, guard: [],`));
    const args = ['--strategy', `${leaky},redis-lease`, '--out', out, ...small];
    const short = { WAIT_MS: '700', LEASE_MS: '500' };
    const ended = await startCompare(args, { ...shared(), ...short }).ended;
    const { cells } = summarize(await readRun(await rawFile(out)));
    const of = (wanted: string) => cells.find(({ strategy }) => strategy.name === wanted);
    expect(of('leaky')?.verdict).toMatchObject({ observed: 'unsafe', agreement: 'claim violated' });
    expect(of('leaky')?.ranks).toEqual({});
    expect(of('leaky')?.findings.map(({ kind }) => kind)).toContain('stuck');
    const { asked, stuck, keys } = of('redis-lease')?.observed ?? {};
    expect({ asked, stuck }).toEqual({ asked: keys, stuck: 0 });
    expect(ended.code, ended.stderr).toBe(1);
    expect(ended.stdout).toContain('Left locked for good: keys of leaky.');
  },
  runMs,
);

test(
  'too few keys to say anything end with 3',
  async () => {
    const few = ['--rounds', '2', '--repetitions', '1', '--explore-seconds', '0'];
    const args = [
      ...few,
      '--processes',
      '2',
      '--strategy',
      'row-lock',
      '--out',
      join(folder, 'few'),
    ];
    const ended = await startCompare(args, shared()).ended;
    expect(ended.stdout).toMatch(/row-lock: inconclusive, (.* on only [0-2] of 2 keys|no power)/);
    expect(ended.code, ended.stderr).toBe(3);
  },
  runMs,
);
