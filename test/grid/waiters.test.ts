import { describe, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { counterSchema } from '../laws/counter.ts';
import { waiterLaws, waitsForKey } from '../laws/waiter-laws.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry, counterSchema);
const waiting = [...registry.strategies.values()].filter(waitsForKey);

describe('every strategy under which a rival waits for the key', () => {
  test('is found by what it declares', () => {
    const holders = new Set(waiting.flatMap(({ declared }) => declared.turns.map(t => t.heldBy)));
    expect([...holders].sort()).toEqual(['lease', 'process', 'session']);
    expect(waiting.some(({ declared }) => declared.guard.includes('lock row'))).toBe(true);
    expect(waiting.some(({ declared }) => declared.store === 'sequelize')).toBe(true);
  });
  for (const strategy of waiting) waiterLaws(strategy, () => urls);
});
