import { setMaxListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askAgain } from '../../bench/compare/ask-again.ts';
import { Client } from '../../bench/compare/client.ts';
import { summarize } from '../../bench/compare/summary.ts';
import { table } from '../../bench/compare/table.ts';
import { askedMax } from '../../bench/lab/asked.ts';
import { randomOf } from '../../bench/lab/random.ts';
import { cell, exampleRun } from './example-run.ts';

/** A "process" that tells each key what a script says, and remembers who was asked. */
type Told = 'accepted' | 'busy' | 'turn-lost' | 'failed';
let script: (key: string, times: number) => Told = () => 'accepted';
const asked = new Map<string, number>();
const client = new Client(1);
let server: Server;
let url = '';

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    const key = (request.url ?? '').slice(1);
    const times = (asked.get(key) ?? 0) + 1;
    asked.set(key, times);
    const outcome = script(key, times);
    const codes = { busy: 'turn-refused', 'turn-lost': 'turn-lost', failed: 'internal-error' };
    const type = outcome === 'accepted' ? '' : `/problems/${codes[outcome]}`;
    const [status, body] =
      outcome === 'accepted' ? [201, { commandId: key, attempts: 1 }] : [503, { type }];
    response.writeHead(Number(status), { 'lock-strategy': 'mine' }).end(JSON.stringify(body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
});
afterAll(async () => {
  client.close();
  await new Promise(resolve => server.close(resolve));
});

function askedOf(keys: number, passesInMs = 0) {
  asked.clear();
  const { signal } = new AbortController();
  setMaxListeners(0, signal); // one for each command in flight
  return askAgain({
    client,
    to: { processUrls: [url], strategy: 'mine', variant: 'plain', timeoutMs: 5_000, signal },
    keys: Array.from({ length: keys }, (_, index) => ({
      key: String(index),
      call: { path: `/${index}`, body: {}, actor: 'a' },
    })),
    random: randomOf(1, 'test'),
    leasesPassedMs: performance.now() + passesInMs,
  });
}

describe('contested keys that are asked again', () => {
  test('get one command each', async () => {
    script = () => 'accepted';
    expect(await askedOf(90)).toEqual({ keys: 90, asked: 90, unanswered: 0, stuck: [] });
    expect(asked.size).toBe(90);
    expect(new Set(asked.values())).toEqual(new Set([1]));
  });

  test('are stuck where they stay busy, and get their chance when every lease has passed', async () => {
    let passesAtMs = 0;
    script = (key, times) => {
      if (key === '5' && times === 1) passesAtMs = performance.now() + 300;
      const held = key === '5' && performance.now() < passesAtMs;
      return key === '3' || held ? 'busy' : 'accepted';
    };
    const found = await askedOf(20, 1_500);
    expect(found).toEqual({ keys: 20, asked: 20, unanswered: 0, stuck: ['3'] });
    expect([asked.get('3'), asked.get('5'), asked.get('7')]).toEqual([2, 2, 1]);
  });

  test('are a sample where there are very many', async () => {
    script = () => 'busy';
    const { keys, asked: size, stuck } = await askedOf(askedMax + 50);
    expect({ keys, size, stuck: new Set(stuck).size }).toEqual({
      keys: askedMax + 50,
      size: askedMax,
      stuck: askedMax,
    });
  });

  test('are not stuck where they got the turn and lost it', async () => {
    script = key => (key === '1' ? 'turn-lost' : 'accepted');
    expect(await askedOf(3)).toEqual({ keys: 3, asked: 3, unanswered: 1, stuck: [] });
    expect(asked.get('1')).toBe(1); // no second try: nobody holds it
  });

  test('are counted where the answer is neither served nor busy', async () => {
    script = key => (key === '1' ? 'failed' : 'accepted');
    expect(await askedOf(3)).toEqual({ keys: 3, asked: 3, unanswered: 1, stuck: [] });
  });
});

describe('a strategy that left its lock behind', () => {
  const safe = { verdict: 'safe', because: 'locked while no lease is lost' } as const;
  const told = (stuck: string[]) => {
    const example = exampleRun();
    const cells = [
      { ...cell('steady', safe), asked: { keys: 30, asked: 30, unanswered: 0, stuck } },
      ...example.cells.filter(({ strategy }) => strategy !== 'steady'),
    ];
    const summary = summarize(exampleRun({ cells, explored: [] }));
    const own = summary.cells.find(({ strategy }) => strategy.name === 'steady');
    return { summary, own, text: table(summary, { color: false }) };
  };

  test('is not ranked, and the run ends with 1 for it', () => {
    expect(told([]).own).toMatchObject({ ranks: { contested: { place: 1 } }, findings: [] });
    const { own, summary, text } = told(['steady-1', 'steady-2']);
    expect(own?.verdict).toMatchObject({ observed: 'unsafe', agreement: 'claim violated' });
    expect(own?.ranks).toEqual({});
    expect(own?.findings).toMatchObject([{ kind: 'stuck', keys: 2, excess: 2 }]);
    expect(summary.exitCode).toBe(1);
    expect(text).toContain('✗ steady');
    expect(text).toContain('stuck on 2 keys');
    expect(text).toContain('Left locked for good: keys of steady.');
    expect(text).not.toContain('let through');
  });

  test('is told with the size of a sample', () => {
    expect(told([]).text).not.toContain('asked again');
    const keys = {
      ...cell('steady', safe),
      asked: { keys: 30, asked: 20, unanswered: 0, stuck: [] },
    };
    const summary = summarize(exampleRun({ cells: [keys, ...exampleRun().cells.slice(2)] }));
    expect(table(summary, { color: false })).toMatch(
      /only\s+a\s+sample[^:]*:\s+20\s+of\s+30\s+in\s+appointment\/plain\s+steady\./,
    );
  });
});
