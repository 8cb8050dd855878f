import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type HistoryLine, HistoryReader, meetingsOf } from '../../bench/load/meetings.ts';
import { summarizeBench } from '../../bench/load/summary.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { exampleBench } from './example-bench.ts';

const registry = await loadRegistry([]);
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

let made = 0;
function line(own: Partial<HistoryLine>): HistoryLine {
  made += 1;
  return {
    scenario: 'gift-card',
    strategy: 'row-lock',
    key: '1',
    commandId: String(made),
    caller: String(made),
    askedUs: 0,
    endedUs: 10,
    decidedUs: null,
    outcome: 'accepted',
    ...own,
  };
}

describe('commands meet', () => {
  test('where those of two callers were worked on at once, on one key', () => {
    const met = [line({ askedUs: 0, endedUs: 10 }), line({ askedUs: 9, endedUs: 20 })];
    expect(meetingsOf(met)).toMatchObject({ keys: 1, keysTested: 1, commands: 2, commandsMet: 2 });
    const apart = [line({ askedUs: 0, endedUs: 10 }), line({ askedUs: 10, endedUs: 20 })];
    expect(meetingsOf(apart)).toMatchObject({ keys: 1, keysTested: 0, commandsMet: 0 });
    const elsewhere = [line({ key: '1' }), line({ key: '2' })];
    expect(meetingsOf(elsewhere)).toMatchObject({ keys: 0, keysTested: 0, commands: 0 });
  });

  test('also around a third that ended between them', () => {
    const long = line({ askedUs: 0, endedUs: 100 });
    const short = line({ askedUs: 10, endedUs: 20 });
    const late = line({ askedUs: 50, endedUs: 60 });
    expect(meetingsOf([late, short, long])).toMatchObject({ commands: 3, commandsMet: 3 });
  });

  test('never with another command of their own caller; without a name each is a caller', () => {
    expect(meetingsOf([line({ caller: 'a' }), line({ caller: 'a' })]).keys).toBe(0);
    const impatient = [
      line({ caller: 'a', askedUs: 0, endedUs: 10 }),
      line({ caller: 'a', askedUs: 5, endedUs: 15 }),
      line({ caller: 'b', askedUs: 100, endedUs: 110 }),
    ];
    expect(meetingsOf(impatient)).toMatchObject({ keys: 1, keysTested: 0, commandsMet: 0 });
    expect(meetingsOf([line({ caller: '' }), line({ caller: '' })]).keysTested).toBe(1);
  });

  test('and test a key only if one of them was accepted', () => {
    const busy = [line({ outcome: 'busy' }), line({ outcome: 'refused' })];
    expect(meetingsOf(busy)).toMatchObject({ keys: 1, keysTested: 0, commandsMet: 2 });
    const alone = line({ outcome: 'accepted', askedUs: 50, endedUs: 60 });
    expect(meetingsOf([...busy, alone])).toMatchObject({ keysTested: 0, commandsMet: 2 });
  });

  test('decide together only between deciding read and COMMIT', () => {
    const waited = [line({ decidedUs: [1, 5] }), line({ decidedUs: [5, 9] })];
    expect(meetingsOf(waited).keysDecidedTogether).toBe(0);
    const raced = [line({ decidedUs: [1, 6] }), line({ decidedUs: [5, 9] })];
    expect(meetingsOf(raced).keysDecidedTogether).toBe(1);
  });
});

test('a history is read from where the reader stopped, without an unfinished line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'history-'));
  folders.push(folder);
  const { signal } = new AbortController();
  const cell = { scenario: 'gift-card', strategy: 'row-lock' };
  const file = join(folder, 'commands-1.jsonl');
  const text = (one: HistoryLine): string => `${JSON.stringify(one)}\n`;
  const [first, second] = [line({}), line({})];
  await writeFile(file, text(first) + text(second).slice(0, 40));
  await writeFile(join(folder, 'commands-2.jsonl'), text(line({ strategy: 'unprotected' })));
  const reader = new HistoryReader(folder);
  expect(await reader.next(cell, 1, signal)).toMatchObject([{ commandId: first.commandId }]);
  const waiting = reader.next(cell, 1, signal);
  await appendFile(file, text(second).slice(40));
  expect(await waiting).toMatchObject([{ commandId: second.commandId }]);
  expect(await reader.next(cell, 1, signal)).toBeUndefined(); // a line is missing
});

describe('nothing found under load', () => {
  const { plan, result, cells } = exampleBench;
  const rowOf = (control: Record<string, number>, met = 20) =>
    summarizeBench(
      {
        plan,
        cells: [
          ...cells.slice(0, 2).map(cell => ({
            ...cell,
            meetings: cell.meetings && { ...cell.meetings, keysTested: met },
          })),
          ...[1, 2].map(repetition =>
            result('unprotected', repetition, { accepted: 60, ...control }),
          ),
        ],
      },
      registry,
    ).rows.find(row => row.plan.strategy === 'row-lock');

  test('counts keys on which callers met, if the control failed on a fifth of them', () => {
    expect(rowOf({ duplicates: 9, keys_violated: 4 })).toMatchObject({
      observed: 'safe',
      power: 0.2,
      boundShare: 3 / 40,
    });
  });

  test('proves nothing where the control failed less, was not there, or nobody met', () => {
    expect(rowOf({ duplicates: 9, keys_violated: 3 })).toMatchObject({
      observed: 'inconclusive',
      because: expect.stringMatching(/failed on only 15 % of its keys, and 20 % are needed/),
    });
    expect(rowOf({ duplicates: 9, keys_violated: 20 }, 0)).toMatchObject({
      observed: 'inconclusive',
      because: expect.stringMatching(/no command met a rival/),
    });
    // two repetitions of nine keys each
    expect(rowOf({ duplicates: 9, keys_violated: 9 }, 9)).toMatchObject({
      observed: 'inconclusive',
      because: expect.stringMatching(/on only 18 of \d+ keys; 20 are needed/),
    });
    const once = { plan, cells: cells.filter(({ repetition }) => repetition === 1) };
    const half = summarizeBench(once, registry).rows.find(row => row.plan.strategy === 'row-lock');
    expect(half).toMatchObject({ observed: 'inconclusive', because: 'repetitions are missing' });
    const hazard = (one: string) => one.replaceAll('row-lock', 'redis-unsafe-release');
    const renamed: typeof exampleBench = JSON.parse(hazard(JSON.stringify(exampleBench)));
    const flawed = summarizeBench(renamed, registry).rows;
    expect(
      flawed.find(({ plan: { strategy } }) => strategy === 'redis-unsafe-release'),
    ).toMatchObject({
      observed: 'inconclusive',
      because: expect.stringMatching(/a hazard that needs .*, which load does not cause/),
    });
    const alone = summarizeBench({ plan, cells: cells.slice(0, 2) }, registry).rows;
    expect(alone.find(row => row.plan.strategy === 'row-lock')).toMatchObject({
      observed: 'inconclusive',
      because: expect.stringMatching(/the control was not in this run/),
    });
  });
});
