import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Strategy, Violation } from '../../src/contract/index.ts';
import { loadRegistry, type RegisteredStrategy } from '../../src/engine/registry.ts';
import { audit, contend } from '../fixtures/contend.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { auditOf, callRoute, idOf, scenarioNamed, serveOne, toldOf, worded } from './commands.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const scenario = scenarioNamed(registry, 'appointment');
const enginesCount = 4;
let engines: OpenEngine[] = [];

beforeAll(() => {
  engines = Array.from({ length: enginesCount }, () => openEngine(urls));
});
afterAll(async () => {
  await Promise.all(engines.map(open => open.close()));
});

const shown = z.object({
  id: z.string(),
  offers: z.array(z.object({ id: z.string(), status: z.string() })),
  appointments: z.array(z.unknown()),
});

const engineAt = (index: number): OpenEngine => {
  const open = engines[index % engines.length];
  if (!open) throw new Error('no engine is open');
  return open;
};

/** A request of a couple with four offers. */
async function couple(): Promise<{ readonly id: string; readonly offers: readonly string[] }> {
  const body = { client: 'Ada', therapistsNeeded: 2, therapistIds: ['1', '2', '3', '4'] };
  const made = await callRoute(engineAt(0), scenario, 'post', '/appointment-requests', { body });
  return { id: idOf(made), offers: (await seen(idOf(made))).offers.map(offer => offer.id) };
}

async function seen(id: string): Promise<z.infer<typeof shown>> {
  const path = '/appointment-requests/:id';
  const { body } = await callRoute(engineAt(0), scenario, 'get', path, { params: { id } });
  return shown.parse(body);
}

/** Accepts these offers at once, each in another engine; what each was told, in alphabetical order. */
async function accepted(strategy: Strategy, offers: readonly string[]): Promise<string[]> {
  const ends = offers.map((id, index) =>
    serveOne(engineAt(index), {
      scenario,
      variant: 'plain',
      strategy,
      input: { params: { id }, body: {} },
    }),
  );
  return (await Promise.all(ends)).map(toldOf).toSorted();
}

const careful = [
  worded('steps', { guard: ['lock row'], title: 'steps behind a row lock' }),
  worded('steps', { isolation: 'serializable', title: 'steps under SERIALIZABLE' }),
  worded('numbered slots'),
  worded('precreated rows', { guard: ['lock row'] }),
  worded('precreated rows', { guard: ['lock row, skip locked'], title: 'skipping locked places' }),
];
const times = 6;
const batchesMax = 60;

/** Repeats until the audit finds such a thing; nothing where it never comes. */
async function untilFound(
  detail: RegExp,
  round: () => Promise<string>,
): Promise<Violation | undefined> {
  for (let batch = 0; batch < batchesMax; batch += 1) {
    const found = await auditOf(engineAt(0), scenario, [await round()]);
    const hit = found.find(violation => detail.test(violation.detail));
    if (hit) return hit;
  }
  return undefined;
}

describe('double-tap: one therapist accepts the same offer twice at once', () => {
  test.each(careful)('$title: one appointment, though there is room for two', async strategy => {
    for (let time = 0; time < times; time += 1) {
      const { id, offers } = await couple();
      const [mine = ''] = offers;
      expect(await accepted(strategy, [mine, mine])).toEqual(['accepted', 'already accepted']);
      expect((await seen(id)).appointments).toHaveLength(1);
      expect(await auditOf(engineAt(0), scenario, [id])).toEqual([]);
    }
  });

  test('without any care both taps become appointments', async () => {
    const found = await untilFound(/^therapist \d+ has 2 appointments/, async () => {
      const { id, offers } = await couple();
      const [mine = ''] = offers;
      await accepted(worded('steps'), [mine, mine]);
      return id;
    });
    expect(found?.kind).toBe('duplicate');
  });
});

describe('couples-expiry: two accept the last two places at once', () => {
  test.each(careful)('$title: the other offers are expired', async strategy => {
    for (let time = 0; time < times; time += 1) {
      const { id, offers } = await couple();
      expect(await accepted(strategy, offers.slice(0, 2))).toEqual(['accepted', 'accepted']);
      const statuses = (await seen(id)).offers.map(offer => offer.status);
      expect(statuses).toEqual(['accepted', 'accepted', 'expired', 'expired']);
      expect(await auditOf(engineAt(0), scenario, [id])).toEqual([]);
    }
  });

  test('without any care each counts one of two, and the other offers stay open', async () => {
    const found = await untilFound(/./, async () => {
      const { id, offers } = await couple();
      await accepted(worded('steps'), offers.slice(0, 2));
      return id;
    });
    expect(found?.kind).toBe('inconsistent');
  });
});

describe('mutex-in-one-process', () => {
  const mutex: RegisteredStrategy | undefined = registry.strategies.get('process-mutex');
  const rounds = { scenario, variant: 'plain', rounds: 6, rivals: 8 };

  test('holds where there is one process', async () => {
    if (!mutex) throw new Error('there is no such strategy');
    const one = engines.slice(0, 1);
    const told = await contend({ ...rounds, strategy: mutex, engines: one });
    expect(await audit(scenario, one, told)).toEqual([]);
    expect(told.some(({ kind }) => kind === 'accepted')).toBe(true);
  });

  test('lets in one more for each further process, and no more', async () => {
    if (!mutex) throw new Error('there is no such strategy');
    const excess: number[] = [];
    for (let batch = 0; batch < batchesMax && excess.length === 0; batch += 1) {
      const told = await contend({ ...rounds, strategy: mutex, engines });
      const found = await audit(scenario, engines, told);
      excess.push(...found.filter(one => one.kind === 'duplicate').map(one => one.excess));
    }
    expect(excess.length).toBeGreaterThan(0);
    expect(Math.max(...excess)).toBeLessThan(enginesCount);
  });
});
