/** `both:one+other` is a strategy wherever one is named. */
import { expect, test } from 'vitest';
import { serversOf } from '../../bench/explore/cell.ts';
import { planOf } from '../../bench/explore/spec.ts';
import { loadRegistry } from '../../src/engine/registry.ts';

const registry = await loadRegistry([]);
const servers = { pgUrl: 'pg', redisUrl: 'one', redisNodeUrls: ['a', 'b', 'c'] };
const spec = { scenario: 'gift-card', variant: 'plain', round: 'plain' };

function planned(...strategies: readonly string[]) {
  return planOf(registry, { ...spec, strategies });
}

test.each([
  ['both:row-lock+redis-lease', ['one']],
  ['both:redis-lease+row-lock', ['one']],
  ['both:redis-lease+redlock', ['one', 'a', 'b', 'c']],
  ['both:row-lock+redlock', ['a', 'b', 'c']],
  ['row-lock', []],
])('the explorer takes %s, with the Redis servers of both', (name, redisUrls) => {
  expect(serversOf(planned(name, name), servers)).toEqual({ pgUrl: 'pg', redisUrls });
});

test('either order is the same strategy', () => {
  const [one, other] = planned('both:row-lock+redis-lease', 'both:redis-lease+row-lock').strategies;
  expect(one).toBe(other);
});

test('a name in it that there is not is told with the nearest', () => {
  expect(() => planned('both:row-lok+redis-lease')).toThrow("'row-lok' (did you mean 'row-lock'?)");
});

test('two that cannot run in one transaction are refused with the reason', () => {
  expect(() => planned('both:unique-slots+atomic-update')).toThrow(/a transaction runs only one/);
});
