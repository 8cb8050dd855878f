/** Changes of strategy, with callers in the middle of them; `npm run dev:rollout` goes further. */
import { describe, expect, test } from 'vitest';
import { changes, control, exploreChange } from '../../bench/rollout/explored-changes.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { cellServers } from '../exploration/cells.ts';

const registry = await loadRegistry();
const options = { servers: await cellServers(), secondsMax: 300 };
const callers = ['the old epoch', 'what it reads'] as const;
/** The first orders, those with few switches: among them the control fails. */
const executionsMax = 40;

describe.each(changes)('%s to %s', (...change) => {
  test('is safe for callers in the middle', { timeout: 400_000 }, async () => {
    const course = { callers, events: [], preemptions: 1 };
    const found = await exploreChange(registry, change, course, { ...options, executionsMax });
    expect(found.violating, found.why).toBe(0);
    expect(['safe', 'budget-stopped']).toContain(found.outcome);
    expect(found.orders).toBe(executionsMax);
  });
});

test('by a flag that each request reads, it is unsafe within as many orders', async () => {
  const limited = { ...options, executionsMax };
  const found = await exploreChange(registry, ['row-lock', 'redis-lease'], control, limited);
  expect(found.outcome).toBe('unsafe');
}, 400_000);
