import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { both } from '../../src/rollout/both.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { areSafeSideBySide } from '../../src/rollout/side-by-side.ts';
import { root } from '../house/sources.ts';

const registry = await loadRegistry();
const named = (name: string) => {
  const found = strategyNamed(registry, name);
  if (!('strategy' in found)) throw new Error(`there is no strategy '${name}'`);
  return found.strategy;
};

/** The explorer's verdicts on pairs, from the document: `one other` to ✓, ✗ or –. */
function explored(): ReadonlyMap<string, string> {
  const text = readFileSync(join(root, 'docs', 'side-by-side.md'), 'utf8');
  const rows = [...text.matchAll(/^ *\d+ ([a-z0-9-]+) +([✓✗–? ]+)$/gmu)].map(
    ([, name = '', marks = '']) => ({ name, marks: marks.trim().split(/ +/) }),
  );
  return new Map(
    rows.flatMap(({ name, marks }) =>
      marks.map((mark, index) => [`${name} ${rows[index]?.name}`, mark] as const),
    ),
  );
}

describe('side by side', () => {
  const seen = explored();
  const safe = [...seen.keys()].filter(pair => {
    const [one = '', other = ''] = pair.split(' ');
    return one !== other && areSafeSideBySide(named(one), named(other));
  });

  test('every pair that is told safe was explored, and no order violated', () => {
    expect(seen.size).toBeGreaterThan(400);
    expect(safe.length).toBeGreaterThan(20);
    expect(safe.filter(pair => !['✓', '–'].includes(seen.get(pair) ?? ''))).toEqual([]);
  });

  test.each([
    ['row-lock', 'redis-lease', false],
    ['redis-lease', 'redlock', false],
    ['redis-lease', 'redis-lease-queued', true],
    ['redis-lease', 'redis-released-early', false],
    ['row-lock', 'row-lock-nowait', true],
    ['row-lock', 'redis-lease-fenced', true],
    ['row-lock', 'parent-lock-snapshot', false],
    ['version-column', 'sequelize-version', true],
    ['unprotected', 'row-lock', false],
    ['process-mutex', 'both:process-mutex+row-lock', false],
  ])('%s beside %s: %s', (one, other, expected) => {
    expect(areSafeSideBySide(named(one), named(other))).toBe(expected);
    expect(areSafeSideBySide(named(other), named(one))).toBe(expected);
  });

  test('the middle is safe beside each of two that are safe alone', () => {
    const sound = [...registry.strategies.values()].filter(({ declared }) => !declared.hazard);
    const alone = (name: string) => named(name).declared.guard.includes('touch'); // 40001 only where both write
    const broken = sound.flatMap(one =>
      sound.flatMap(other => {
        const middle = both(one, other);
        if ('refused' in middle || [one, other].some(({ name }) => alone(name))) return [];
        return areSafeSideBySide(one, middle) ? [] : [`${one.name} beside ${middle.name}`];
      }),
    );
    expect(broken).toEqual([]);
  });
});
