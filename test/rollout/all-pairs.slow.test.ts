import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { counterScenario, counterSchema, effectsOf, makeCounter } from '../laws/counter.ts';
import { safeMiddles } from './safe-middle.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry, counterSchema);
const names = [...registry.strategies.keys()];
let open: OpenEngine;

beforeAll(() => {
  open = openEngine(urls, { waitMs: 3_000 });
});
afterAll(() => open.close());

safeMiddles(registry, () => [open], [
  ['row-lock', 'redis-lease'],
  ['row-lock', 'atomic-update'],
  ['row-lock', 'version-column'],
  ['advisory-transaction', 'unique-slots'],
  ['sequelize-row-lock', 'sequelize-version'],
]);

test('every pair of strategies is refused with a reason, or runs its work once', async () => {
  const pairs = names.flatMap((one, index) => names.slice(index + 1).map(other => [one, other]));
  const stuck: string[] = [];
  let composed = 0;
  for (const [one, other] of pairs) {
    const found = strategyNamed(registry, `both:${one}+${other}`);
    if ('refused' in found) continue;
    if (!('strategy' in found)) throw new Error(JSON.stringify(found));
    composed += 1;
    const id = await makeCounter(open.store.query);
    const { outcome } = await open.engine.serve({
      scenario: { name: 'counter', registered: counterScenario(new Map()) },
      variant: 'plain',
      strategy: found.strategy,
      commandId: randomUUID(),
      input: { params: { id }, body: {} },
    });
    if (outcome.kind !== 'accepted') stuck.push(found.strategy.name);
    else expect(await effectsOf(open.store.query, id)).toBe(1);
  }
  // whoever waits for itself is told busy: does the pair lack a `lockSpace`?
  expect(stuck).toEqual([]);
  expect(composed).toBeGreaterThan(pairs.length / 3);
}, 120_000);
