import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Event, predict, type Violation } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { audit, brokenOf, type Contention, contend, keysDecided } from '../fixtures/contend.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';

/** Every scenario/variant × strategy, derived from the registry and judged by the audit. */
const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const enginesCount = 4; // as many as the service has processes
const safe = { rounds: 4, rivals: 4, againMax: 200 };
const decidedMin = 3; // one key may be left open by a server that did not answer in time
const unsafe = { rounds: 3, rivals: 8, batchesMax: 60 };
const events: ReadonlySet<Event> = new Set(['several processes', 'statement phases']);
let engines: OpenEngine[] = [];

beforeAll(() => {
  engines = Array.from({ length: enginesCount }, () => openEngine(urls));
});
afterAll(async () => {
  await Promise.all(engines.map(open => open.close()));
});

for (const scenario of registry.scenarios.values())
  for (const [variant, traits] of Object.entries(scenario.registered.variants))
    describe(`${scenario.name}/${variant}`, () => {
      for (const strategy of registry.strategies.values()) {
        const { verdict, because } = predict(strategy.declared, traits, events);
        const cell = { scenario, variant, strategy };
        const title = `${strategy.name} is ${verdict}: ${because}`;
        if (verdict === 'not offered') test.skip(title, () => {});
        else if (verdict === 'safe') test(title, () => staysClean(cell));
        else test(title, () => isSeen(cell));
      }
    });

type CellOf = Pick<Contention, 'scenario' | 'variant' | 'strategy'>;

async function staysClean(cell: CellOf): Promise<void> {
  const told = await contend({ ...cell, engines, ...safe });
  expect(await audit(cell.scenario, engines, told)).toEqual([]);
  expect(brokenOf(told)).toEqual([]);
  // silence is not safety, and neither is being busy
  expect(keysDecided(told)).toBeGreaterThanOrEqual(decidedMin);
}

/** A predicted violation has to be seen, of the kind that is predicted, within a bounded number of batches. */
async function isSeen(cell: CellOf): Promise<void> {
  const { variants, race } = cell.scenario.registered;
  // a variant that is wrong in a way of its own says in which
  const kind = variants[cell.variant]?.expects?.unsafe ?? race;
  const seen = new Set<Violation['kind']>();
  for (let batch = 0; batch < unsafe.batchesMax && !seen.has(kind); batch += 1) {
    const told = await contend({ ...cell, engines, ...unsafe });
    for (const found of await audit(cell.scenario, engines, told)) seen.add(found.kind);
  }
  expect([...seen]).toContain(kind);
}
