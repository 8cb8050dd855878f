import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Violation } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { hazards, invariantsOf, isOf } from './invariants.ts';

/** Each thing that an audit can say is said when a rule runs in some wrong way. */
const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
let open: OpenEngine;

beforeAll(() => {
  open = openEngine(urls);
});
afterAll(() => open.close());

/** No way to run our rules goes wrong like this: one statement writes both sides. Seen planted, in test/scenarios. */
const plantedOnly: Readonly<Record<string, readonly string[]>> = {
  appointment: [
    'offer %s is accepted without an appointment of its therapist',
    'therapist %s has an appointment by offer %s, which is not accepted',
    '%s offers have expired, but only %s of %s appointments exist',
  ],
  transfer: ['transfer %s of %s cents has %s entries on %s cards with a sum of %s'],
};

for (const scenario of registry.scenarios.values())
  describe(scenario.name, () => {
    const invariants = invariantsOf(scenario.auditSql);
    const seen: Violation[] = [];

    beforeAll(async () => {
      // a variant with a route of its own writes before it acts: who overtook it would wait for it
      const { path, variants } = scenario.registered;
      const named = Object.keys(variants).filter(name => variants[name]?.path === path);
      for (const variant of named)
        for (const hazard of Object.values(hazards))
          seen.push(...(await hazard({ open, scenario, variant })));
    });

    test('every violation is one of an invariant that was found in the SQL', () => {
      const strange = seen.filter(violation => !invariants.some(one => isOf(one, violation)));
      expect(strange).toEqual([]);
    });

    for (const invariant of invariants) {
      const { kind, says } = invariant;
      const planted = plantedOnly[scenario.name]?.includes(says) ?? false;
      test(`${planted ? 'no' : 'a'} hazard is told: ${kind}: ${says}`, () => {
        expect(says).not.toBe('');
        expect(seen.some(violation => isOf(invariant, violation))).toBe(!planted);
      });
    }
  });

test('what is seen planted only is still an invariant', () => {
  for (const [name, said] of Object.entries(plantedOnly)) {
    const known = invariantsOf(registry.scenarios.get(name)?.auditSql ?? '').map(
      ({ says }) => says,
    );
    expect(said.filter(says => !known.includes(says))).toEqual([]);
  }
});
