/** A change of strategy, with callers in the middle of it, in every order within the bound. */
import { expect, test } from 'vitest';
import { changes, exploreChange } from '../../bench/rollout/explored-changes.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { cellServers } from '../exploration/cells.ts';

const registry = await loadRegistry();
/** `npm run dev:rollout` takes two, and minutes. */
const options = { servers: await cellServers(), preemptions: 1, secondsMax: 300 };

test.each(changes)(
  '%s to %s is safe for callers in the middle',
  async (...change) => {
    const { outcome, why, orders } = await exploreChange(registry, change, options);
    expect(outcome, why).toBe('safe');
    expect(orders).toBeGreaterThan(20);
  },
  400_000,
);

test('a flag that each request reads is not enough', async () => {
  const naive = { ...options, naive: true } as const;
  const { outcome } = await exploreChange(registry, ['row-lock', 'redis-lease'], naive);
  expect(outcome).toBe('unsafe');
}, 400_000);
