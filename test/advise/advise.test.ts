import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { advise } from '../../bench/advise/advise.ts';
import { type CostTable, extrapolations, priceOf } from '../../bench/advise/costs.ts';
import type { Evidence } from '../../bench/advise/evidence.ts';
import { advisePage } from '../../bench/advise/form.ts';
import { interview } from '../../bench/advise/interview.ts';
import { judge } from '../../bench/advise/judge.ts';
import { faultsBehind } from '../../bench/advise/needs.ts';
import { answersFrom, carefulAnswers, NoAnswer } from '../../bench/advise/questions.ts';
import { committedEvidence, sourceOf } from '../../bench/advise/read.ts';
import { decisionRecord } from '../../bench/advise/sections.ts';
import { adviceText } from '../../bench/advise/text.ts';
import { firstLines } from '../../bench/advise/words.ts';
import { command } from '../../bench/cli/advise.ts';
import { loadFaults } from '../../bench/faults/registry.ts';
import { UsageError } from '../../bench/lab/command-line.ts';
import { reportHtml } from '../../bench/page/html.ts';
import { reportMarkdown } from '../../bench/page/markdown.ts';

let evidence: Evidence;
let folder: string;
beforeAll(async () => {
  evidence = await committedEvidence();
  folder = await mkdtemp(join(tmpdir(), 'advise-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const gusto = {
  shape: 'at-most-one',
  constraint: 'yes',
  migration: 'none',
  redis: 'none',
} as const;

/** Runs the command; what it wrote, and its exit code. */
async function ran(...argv: readonly string[]) {
  let written = '';
  const code = await command.run({
    argv,
    environment: {},
    signal: new AbortController().signal,
    write: text => {
      written += text;
    },
    note: () => {},
  });
  return { code, written };
}

describe('the questions', () => {
  test('every fault is behind one answer', async () => {
    const behind = Object.values(faultsBehind).flat();
    expect(behind.toSorted()).toEqual([...(await loadFaults()).keys()].toSorted());
  });

  test('an answer that is none is refused in words', () => {
    expect(() => answersFrom({ shape: 'round' })).toThrow(/shape: expected one of value-of-a-row/);
    expect(() => answersFrom({ rate: -1 })).toThrow(/rate: expected a number from 0/);
    expect(() => answersFrom({ survive: ['floods'] })).toThrow(NoAnswer);
    expect(() => answersFrom({ colour: 'red' })).toThrow(/no question 'colour'; there are shape/);
  });

  test('what is not said is assumed, and told', () => {
    const { answers, assumed } = answersFrom({ shape: 'at-most-n', migration: 'none' });
    expect(answers).toEqual({ ...carefulAnswers, shape: 'at-most-n', migration: [] });
    expect(assumed).not.toContain('shape');
    expect(assumed).toContain('writers');
  });

  test('an interview takes words, numbers, empty lines, and asks again after nonsense', async () => {
    const said: string[] = [];
    const blank = Array.from({ length: 7 }, () => '');
    const lines = ['2', '', 'maybe', 'yes', '2', ...blank, 'none', '1', 'column,2'];
    const { answers, assumed } = await interview({
      input: Readable.from([`${lines.join('\n')}\n`]),
      write: text => void said.push(text),
      signal: new AbortController().signal,
    });
    expect(answers).toMatchObject({
      ...{ shape: 'at-most-one', duplicate: 'harms', statement: 'yes', constraint: 'no' },
      ...{ survive: [], redis: 'none', migration: ['column', 'rows'] },
    });
    expect(said.join('')).toContain('statement: expected one of yes, no');
    expect(assumed).toContain('rttRedis');
  });
});

describe('a price', () => {
  const sample = (middle: number) => ({ low: middle - 1, middle, high: middle + 1, count: 60 });
  const trips = (postgres: number, redis: number) => ({ postgres, redis });
  const table: CostTable = {
    ...{ startedAt: '2026-01-01', commit: 'abc', command: 'npm run dev:costs', cores: 2 },
    ...{ callers: 9, addedMs: 10, localMs: 0.5, blocks: 5 },
    cells: [
      {
        ...{ place: 'gift-card/plain', strategy: 'row-lock' },
        ...{ alone: sample(3), contested: sample(11) },
        trips: { alone: trips(4, 0), contested: trips(12, 0) },
      },
      {
        ...{ place: 'gift-card/plain', strategy: 'redis-lease' },
        ...{ alone: sample(4), contested: sample(20) },
        trips: { alone: trips(4, 2), contested: trips(14, 6) },
      },
    ],
  };
  const at = { place: 'gift-card/plain', strategy: 'row-lock' };
  const answers = { ...carefulAnswers, meets: 50, callers: 9, rttPostgres: 0.5, rttRedis: 0.5 };

  test('is the measured one where the operation is like the measured ones', () => {
    const price = priceOf(table, at, answers);
    expect(price).toMatchObject({
      alone: 3,
      contested: 11,
      expected: { low: 6, middle: 7, high: 8 },
    });
    expect(price?.keyPerSecond).toBe(500); // eight milliseconds for the four ahead
  });

  test('grows by each round trip, and by own work for all that are ahead', () => {
    const away = priceOf(table, at, { ...answers, rttPostgres: 1.5 });
    expect(away).toMatchObject({ alone: 7, contested: 23, keyPerSecond: 250 });
    const longer = priceOf(table, at, { ...answers, hold: 10 });
    expect(longer).toMatchObject({ alone: 13, contested: 61 });
    const redis = priceOf(table, { ...at, strategy: 'redis-lease' }, { ...answers, rttRedis: 2.5 });
    expect(redis).toMatchObject({ alone: 8, contested: 32 });
  });

  test('says where it is computed, and that a key is too slow', () => {
    expect(extrapolations(table, { ...answers, meets: 100 })).toEqual([]);
    const far = { ...answers, meets: 100, hold: 5, callers: 50, rttPostgres: 30, rate: 900 };
    expect(extrapolations(table, far).map(text => text.split(':')[0])).toEqual([
      'a round trip of 30 ms to Postgres',
      'own work of 5 ms',
      '50 callers at once',
      '900 commands a second for one key',
    ]);
    expect(priceOf(table, at, { ...answers, rate: 900 })?.tooSlow).toBe(true);
    expect(priceOf(table, at, { ...answers, rate: 400 })?.tooSlow).toBe(false);
    expect(priceOf(table, { ...at, strategy: 'gone' }, answers)).toBeUndefined();
  });

  test('ranks: who is too slow for the busiest key comes last', () => {
    const priced = { ...evidence, costs: table };
    const own = { ...answers, redis: 'one', duplicate: 'harmless' } as const;
    const ranks = judge(priced, own).admissible.filter(({ rank }) => rank !== undefined);
    expect(ranks.map(({ strategy, rank }) => [strategy.name, rank])).toEqual([
      ['row-lock', 1],
      ['redis-lease', 2],
    ]);
    const hot = judge(priced, { ...own, rate: 300 }).admissible;
    expect(hot.find(({ strategy }) => strategy.name === 'redis-lease')?.price?.tooSlow).toBe(true);
    const once = judge({ ...evidence, costs: { ...table, blocks: undefined } }, own).admissible;
    expect(once.filter(({ rank }) => rank !== undefined)).toEqual([]);
  });

  test('is no more certain than the slopes that its distance adds', () => {
    const off = { postgres: 0.5, redis: 0 };
    const cells = table.cells.map(one => ({ ...one, tripsOff: { alone: off, contested: off } }));
    const far = { ...answers, rttPostgres: 10.5 };
    const width = (of: CostTable, to = far) => {
      const { low = 0, high = 0 } = priceOf(of, at, to)?.expected ?? {};
      return high - low;
    };
    expect(width(table)).toBeCloseTo(2);
    expect(width({ ...table, cells })).toBeCloseTo(12);
    expect(width(table, { ...far, callers: 17 })).toBeCloseTo(4); // twice as many are ahead
  });
});

test('a source says whether the files that made it differed from its commit', () => {
  const run = { startedAt: '2026-01-01', command: 'npm run faults' };
  const commit = 'abcdef0123';
  expect(sourceOf('faults.json', commit, { ...run, changed: true }).commit).toBe(
    'abcdef0, with changes',
  );
  expect(sourceOf('faults.json', commit, { ...run, changed: false }).commit).toBe('abcdef0');
});

describe('what is told', () => {
  const advice = () => advise(evidence, answersFrom(gusto));

  test('five lines: what to take, why, for how much, what it asks for, what would change it', () => {
    const lines = firstLines(advice());
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^Take [a-z-]+: /);
    expect(lines[1]).toMatch(/all \d+ cells that your answers need; \d+ others are excluded/);
    expect(lines[3]).toContain('no migration, no new server');
  });

  test('the text names each excluded strategy with its cell and what repeats it', () => {
    const text = adviceText(advice(), { color: false, costs: evidence.costs });
    expect(text).toContain('unique-slots: it needs another migration');
    expect(text).toContain('unprotected: ✗ in payroll-reversal/plain');
    expect(text).toContain(
      'npm run compare -- --scenario payroll-reversal --variant plain --strategy unprotected',
    );
    expect(text.split('\n').filter(line => line.length > 100 && !line.includes('npm run'))).toEqual(
      [],
    );
  });

  test('a decision record has context, options, decision, consequences and evidence', () => {
    const record = reportMarkdown(decisionRecord(advice(), evidence.costs));
    const heads = [...record.matchAll(/^## (.+)$/gm)].map(([, head]) => head);
    expect(heads).toEqual(['Context', 'Options', 'Decision', 'Consequences', 'Evidence']);
    expect(record).toContain('docs/runs/matrix.json');
    expect(record).toContain('migration: none');
  });

  test('nothing admissible is said, with the closest and what would change it', () => {
    const lines = firstLines(
      advise(evidence, answersFrom({ shape: 'whole-run', outside: 'bare' })),
    );
    expect(lines[0]).toBe('Nothing that was measured is admissible.');
    expect(lines.at(-1)).toMatch(/^If .+, take [a-z-]+\.$/);
  });
});

describe('the command', () => {
  test('takes answers as flags and as JSON, flags first', async () => {
    const file = join(folder, 'operation.json');
    await writeFile(file, JSON.stringify({ ...gusto, migration: ['constraint'] }));
    const { code, written } = await ran('--answers', file, '--json');
    expect(code).toBe(0);
    const { place, admissible } = JSON.parse(written);
    expect(place).toBe('payroll-reversal/plain');
    const names = admissible.map((one: { strategy: string }) => one.strategy);
    expect(names).toContain('unique-slots');
    const other = JSON.parse(
      (await ran('--answers', file, '--migration', 'none', '--json')).written,
    );
    expect(other.answers.migration).toEqual([]);
    const excluded = other.excluded.find(
      (one: { strategy: string }) => one.strategy === 'unique-slots',
    );
    expect(excluded.against[0]).toMatchObject({
      cell: 'migration, unique-slots',
      question: 'migration',
    });
  });

  test('ends with 3 where nothing is admissible, and refuses what is no answer', async () => {
    expect((await ran('--writers', 'yes')).code).toBe(3);
    await expect(ran('--shape', 'round')).rejects.toThrow(UsageError);
    await expect(ran('--answers', join(folder, 'gone.json'))).rejects.toThrow(/cannot read/);
  });

  test('writes the record and the page', async () => {
    const [adr, html] = [join(folder, 'adr.md'), join(folder, 'advise.html')];
    await ran('--shape', 'at-most-n', '--adr', adr);
    expect(await readFile(adr, 'utf8')).toMatch(/^# Decide with /);
    await ran('--html', html);
    expect(await readFile(html, 'utf8')).toContain('Which lock for your operation?');
  });
});

test('the page asks every question and carries the evidence, with no way out', () => {
  const html = reportHtml(advisePage(evidence));
  expect(html.match(/<(select|fieldset|input id)/g)?.length).toBe(
    Object.keys(carefulAnswers).length,
  );
  expect(html).not.toMatch(/\b(src|href)="http/);
  const [, data = ''] = html.match(/id="form-data">([^<]*)</) ?? [];
  expect(JSON.parse(data).verdicts).toEqual(evidence.verdicts);
});
