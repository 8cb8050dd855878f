import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { readFaultsOptions } from '../../../bench/faults/options.ts';
import { growthOf, growthVerdict } from '../../../bench/faults/soak/growth.ts';
import { heldIn, soakAnswer, soakExit } from '../../../bench/faults/soak/judge.ts';
import { soakReport, soakTable } from '../../../bench/faults/soak/report.ts';
import { sampleOf } from '../../../bench/faults/soak/sample.ts';
import { type Sample, type SoakRun, soakSchema } from '../../../bench/faults/soak/schema.ts';
import { reportMarkdown } from '../../../bench/page/markdown.ts';
import { freePort } from '../../../src/services/index.ts';
import { exampleRun } from '../example-run.ts';

const mebi = 2 ** 20;
/** Every half minute of half an hour: a saw with a slope. */
const saw = (perMinute: number, height: number) =>
  Array.from({ length: 60 }, (_, index) => ({
    minutes: index / 2,
    value: 100 + (perMinute * index) / 2 + height * ((index % 7) / 7),
  }));

describe('growth', () => {
  test('is the slope of what was seen, within its interval', () => {
    for (const slope of [0, 0.3, 2]) {
      const growth = growthOf(saw(slope, 3));
      expect(Math.abs((growth?.perMinute ?? Number.NaN) - slope)).toBeLessThan(0.1);
      expect(growth?.plusMinus).toBeLessThan(0.2);
    }
  });

  test('is a leak above what is tolerated, none below, and undecided where the interval has both', () => {
    expect(growthVerdict(growthOf(saw(0.5, 1)), 0.1)).toBe('grows');
    expect(growthVerdict(growthOf(saw(0, 1)), 0.1)).toBe('steady');
    expect(growthVerdict(growthOf(saw(0.1, 40)), 0.1)).toBe('undecided');
    expect(growthVerdict(growthOf(saw(1, 0).slice(0, 3)), 0.1)).toBe('undecided');
  });
});

const sample = (minutes: number, changed: Partial<Sample> = {}): Sample => ({
  process: 'process 1',
  pid: 7,
  minutes,
  residentBytes: 200 * mebi,
  heapBytes: 60 * mebi,
  files: 30,
  connections: 20,
  ...changed,
});
const soak = (samples: readonly Sample[], changed: Partial<SoakRun> = {}): SoakRun => ({
  format: 'lockstep soak',
  version: 1,
  end: 'complete',
  brokenOff: '',
  startedAt: '2026-11-30T12:00:00.000Z',
  seconds: 1_800,
  minutes: 30,
  command: 'npm run faults -- --soak 30',
  seed: 1,
  conditions: exampleRun().conditions,
  faults: ['read-only'],
  strategies: ['row-lock'],
  passes: 3,
  verdicts: { 'as predicted': 400 },
  contradictions: [],
  acknowledged: 90_000,
  lost: 0,
  samples: [...samples],
  ...changed,
});
const over = (changed: (minutes: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 60 }, (_, index) => sample(index / 2, changed(index / 2)));

describe('a soak', () => {
  test('in which nothing grows after the warm-up ends well', () => {
    const run = soak(over(minutes => ({ heapBytes: (minutes < 8 ? 40 + minutes : 48) * mebi })));
    expect(soakAnswer(run)).toMatch(/^Nothing grows/);
    expect(soakExit(run)).toBe(0);
  });

  test.each<[string, (minutes: number) => Partial<Sample>]>([
    ['heap', minutes => ({ heapBytes: (60 + minutes / 2) * mebi })],
    ['resident', minutes => ({ residentBytes: (200 + minutes) * mebi })],
    ['files', minutes => ({ files: 30 + Math.floor(minutes / 4) })],
    ['connections', minutes => ({ connections: 20 + Math.floor(minutes) })],
  ])('that leaks %s says so, and fails', (name, changed) => {
    const run = soak(over(changed));
    expect(soakAnswer(run)).toBe(`It leaks: ${name} of process 1.`);
    expect(soakExit(run)).toBe(1);
    expect(soakTable(run, { color: false })).toContain('✗ grows');
  });

  test('a process that was replaced is judged from its beginning', () => {
    const grown = over(minutes => ({ heapBytes: (minutes < 11 ? 900 : 60) * mebi }));
    const replaced = grown.map(one => (one.minutes < 11 ? { ...one, pid: 6 } : one));
    expect(heldIn(soak(replaced)).map(({ verdict }) => verdict)).not.toContain('undecided');
    expect(soakExit(soak(replaced))).toBe(0);
  });

  test('too little to judge, a lost acknowledgement and a broken claim are no success', () => {
    expect(soakExit(soak(over(() => ({})).slice(0, 5)))).toBe(3);
    expect(soakExit(soak([]))).toBe(3);
    const fine = over(() => ({}));
    expect(soakExit(soak(fine, { lost: 1 }))).toBe(1);
    expect(soakExit(soak(fine, { contradictions: ['row-lock under read-only'] }))).toBe(1);
    expect(soakExit(soak(fine, { end: 'interrupted' }))).toBe(130);
    expect(soakExit(soak(fine, { end: 'broken off' }))).toBe(3);
  });

  test('is the same after writing and reading, and fits a terminal and a page', () => {
    const run = soak(over(() => ({})));
    expect(soakSchema.parse(JSON.parse(JSON.stringify(run)))).toEqual(run);
    const lines = soakTable(run, { color: false }).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100);
    expect(reportMarkdown(soakReport(run))).toContain('process 1');
  });

  test('is asked for in minutes, and cannot be resumed', () => {
    expect(readFaultsOptions(['--soak', '30']).soak).toBe(30);
    expect(() => readFaultsOptions(['--soak', '0'])).toThrow(/number from 0.1 to 600/);
    expect(() => readFaultsOptions(['--soak', '1', '--resume', 'x'])).toThrow(/cannot be resumed/);
  });
});

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
});

/** A program that does this ten times a second. */
async function program(every: string): Promise<number> {
  const script = `const fs = require('node:fs'); const kept = [];
    setInterval(() => { ${every} }, 100); process.stdout.write('up');`;
  const args = [`--inspect-port=${await freePort()}`, '-e', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await once(child.stdout ?? child, 'data');
  return child.pid ?? 0;
}

/** As a soak does, in a hurry. */
async function watched(pid: number): Promise<SoakRun> {
  const samples: Sample[] = [];
  await delay(1_000); // what has just begun still grows
  const startMs = performance.now();
  const minutes = (): number => (performance.now() - startMs) / 60_000;
  while (samples.length < 14) {
    samples.push(await sampleOf({ name: 'it', pid }, new Set(), minutes()));
    await delay(150);
  }
  return soak(samples, { seconds: minutes() * 60 });
}

describe('a real process', () => {
  test('that keeps what it makes and opens is found to leak', { timeout: 30_000 }, async () => {
    const leaks =
      "kept.push('x'.repeat(9) + Math.random(), new Array(20_000).fill(0.5), fs.openSync('/dev/null'));";
    const run = await watched(await program(leaks));
    const verdicts = heldIn(run).map(({ measure, verdict }) => [measure.name, verdict]);
    expect(verdicts).toContainEqual(['heap', 'grows']);
    expect(verdicts).toContainEqual(['files', 'grows']);
    expect(soakExit(run)).toBe(1);
  });

  test('that lets go of it is not, with its heap counted after a collection', {
    timeout: 30_000,
  }, async () => {
    const lets =
      "const one = new Array(20_000).fill(0.5); fs.closeSync(fs.openSync('/dev/null')); void one;";
    const run = await watched(await program(lets));
    const verdicts = heldIn(run).map(({ measure, verdict }) => [measure.name, verdict]);
    expect(verdicts).not.toContainEqual(['heap', 'grows']);
    expect(verdicts).toContainEqual(['files', 'steady']);
  });
});
