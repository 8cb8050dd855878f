import { expect, test } from 'vitest';
import { gateShape } from '../../src/rollout/gate/settings.ts';
import { isGated, nextOf } from '../../src/rollout/next-step.ts';
import type { Rollout, Step } from '../../src/rollout/rollouts.ts';

const asked = { scenario: 'gift-card', variant: 'plain', from: 'row-lock', to: 'redis-lease' };

/** Whether the gate has a say in what comes behind this step. */
function gated(steps: readonly Step[], step: number, weight: number): boolean {
  const rollout: Rollout = {
    ...{ ...asked, id: '1', gate: gateShape.parse({}), startedAt: new Date(0) },
    ...{ steps, step, weight, shadow: 0, stage: 'progressing', waived: false },
    ...{ heldSince: null, pauseUntil: null, failed: null },
  };
  const next = nextOf(rollout, 0);
  return next !== undefined && isGated(rollout, next);
}

test('the first weight needs no evidence; a weight behind none does, if some key was decided before', () => {
  const steps = [50, 0, 100].map(setWeight => ({ setWeight }));
  expect(gated([{ setWeight: 0 }, ...steps], 0, 0)).toBe(false);
  expect(gated(steps, 0, 50)).toBe(false); // it goes down
  expect(gated(steps, 1, 0)).toBe(true);
});
