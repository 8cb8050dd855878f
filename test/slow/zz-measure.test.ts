import { expect, test } from 'vitest';
import { changes, control, exploreChange } from '../../bench/rollout/explored-changes.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { cellServers } from '../exploration/cells.ts';
const registry = await loadRegistry();
const options = { servers: await cellServers(), secondsMax: 60 };
test('m', async () => {
  for (const change of [changes[1], changes[3]]) {
    if (!change) continue;
    const a = performance.now();
    const found = await exploreChange(registry, change, { ...control, preemptions: 1 }, options);
    console.log(change.join(), 'naive', found.outcome, found.orders, Math.round(performance.now() - a));
  }
  const b = performance.now();
  const one = await exploreChange(registry, ['row-lock', 'redis-lease'], { callers: ['the old epoch', 'what it reads'], events: [], preemptions: 1 }, { ...options, secondsMax: 60 });
  console.log('with proof', one.outcome, one.orders, one.covered, Math.round(performance.now() - b), one.why);
  expect(1).toBe(1);
}, 500_000);
