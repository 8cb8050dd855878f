import { describe } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { counterSchema } from '../laws/counter.ts';
import { holderLaw } from '../laws/holder-law.ts';
import { strategyLaws } from '../laws/strategy-laws.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry, counterSchema);

describe('every strategy', () => {
  holderLaw([...registry.strategies.values()], () => urls);
  for (const strategy of registry.strategies.values()) {
    strategyLaws(strategy, () => urls);
  }
});
