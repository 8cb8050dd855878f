import { join } from 'node:path';
import { describe } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { counterSchema } from '../laws/counter.ts';
import { holderLaw } from '../laws/holder-law.ts';
import { strategyLaws } from '../laws/strategy-laws.ts';

const registry = await loadRegistry();
// from outside the registry's folders, as docs/write-a-strategy.md shows it
const example = join(import.meta.dirname, '../../examples/strategies/advisory-and-row.ts');
const outside = await loadRegistry([example]);
const urls = await scenarioDatabase(registry, counterSchema);

describe('every strategy', () => {
  holderLaw([...registry.strategies.values()], () => urls);
  for (const strategy of outside.strategies.values()) {
    strategyLaws(strategy, () => urls);
  }
});
