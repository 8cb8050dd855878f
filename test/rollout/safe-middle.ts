import { describe, expect, test } from 'vitest';
import { predict } from '../../src/contract/index.ts';
import type { RegisteredStrategy, Registry } from '../../src/engine/registry.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { audit, brokenOf, contend } from '../fixtures/contend.ts';
import type { OpenEngine } from '../fixtures/engines.ts';

/**
 * A ‖ both, then both ‖ B, on every scenario in which all three claim safety: at no moment of the
 * change do A and B alone meet each other.
 */
export function safeMiddles(
  registry: Registry,
  engines: () => readonly OpenEngine[],
  changes: readonly (readonly [from: string, to: string])[],
): void {
  const named = (name: string): RegisteredStrategy => {
    const found = strategyNamed(registry, name);
    if (!('strategy' in found)) throw new Error(JSON.stringify(found));
    return found.strategy;
  };
  for (const [from, to] of changes)
    describe(`a safe middle between ${from} and ${to}`, () => {
      const [a, b, middle] = [named(from), named(to), named(`both:${from}+${to}`)];
      for (const scenario of registry.scenarios.values()) {
        const [[variant, traits] = []] = Object.entries(scenario.registered.variants);
        const safe = [a, b, middle].every(
          ({ declared }) =>
            traits && predict(declared, traits, new Set(['several processes'])).verdict === 'safe',
        );
        if (!safe || variant === undefined) continue;
        test(scenario.name, async () => {
          for (const beside of [a, b]) {
            const cell = { scenario, variant, strategy: middle, beside, engines: engines() };
            const told = await contend({ ...cell, rounds: 4, rivals: 6 });
            expect(await audit(scenario, engines(), told)).toEqual([]);
            expect(told.map(({ kind }) => kind)).toContain('accepted');
            expect(brokenOf(told)).toEqual([]);
          }
        });
      }
    });
}
