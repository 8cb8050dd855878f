/** Changes of strategy, with callers in the middle of them; `npm run dev:rollout` goes further. */
import { expect, test } from 'vitest';
import {
  type Change,
  type Course,
  changes,
  control,
  exploreChange,
} from '../../bench/rollout/explored-changes.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { cellServers } from '../exploration/cells.ts';

const registry = await loadRegistry();
/** Those with the fewest switches come first; a change without the proof is found unsafe by the ninth. */
const executionsMax = 20;
const options = { servers: await cellServers(), secondsMax: 300, executionsMax };
const course: Course = {
  callers: ['the old epoch', 'what it reads'],
  events: [],
  preemptions: 1,
};

test.each(changes)(
  '%s to %s is safe for callers in the middle, in the first orders',
  async (...change) => {
    const found = await exploreChange(registry, change, course, options);
    expect(found.violating, found.why).toBe(0);
    expect(['safe', 'budget-stopped']).toContain(found.outcome);
    expect(found.orders).toBe(executionsMax);
  },
  400_000,
);

test.each<Change>([
  ['row-lock', 'redis-lease'],
  ['version-column', 'serializable'],
])(
  '%s to %s by a flag that each request reads is found unsafe within as many',
  async (...change) => {
    const naive = { ...control, preemptions: 1 };
    const { outcome } = await exploreChange(registry, change, naive, options);
    expect(outcome).toBe('unsafe');
  },
  400_000,
);
