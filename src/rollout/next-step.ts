import type { Next, Rollout, Step } from './rollouts.ts';

/** What becomes of a rollout whose groups are all as it wants them; undefined: it waits. Pure. */
export function nextOf(rollout: Rollout, nowMs: number): Next | undefined {
  const { stage, step, steps, weight, shadow, pauseUntil } = rollout;
  if (stage === 'aborting') return { step, weight: 0, stage: 'aborted' };
  if (stage === 'paused') {
    const over = pauseUntil !== null && pauseUntil.getTime() <= nowMs;
    return over ? entered(steps, step + 1, weight, shadow) : undefined;
  }
  if (stage !== 'progressing') return undefined;
  if (step >= steps.length) return { step, weight, stage: 'healthy' };
  return entered(steps, step + 1, weight, shadow);
}

/** Whether its gate has a say in this: it would decide more keys, or all for good, under the new strategy. */
export function isGated({ weight, waived, steps, step }: Rollout, next: Next): boolean {
  const before = steps.slice(0, step).some(one => 'setWeight' in one && one.setWeight > 0);
  return !waived && (weight > 0 || before) && (next.weight > weight || next.stage === 'healthy');
}

/** At the beginning of a rollout, and behind each step: what the step at `index` asks for. */
export function entered(
  steps: readonly Step[],
  index: number,
  weight: number,
  shadow: number,
): Next {
  const step = steps[index];
  if (step === undefined) return { step: steps.length, weight: 100, stage: 'progressing' };
  if ('setWeight' in step) return { step: index, weight: step.setWeight, stage: 'progressing' };
  if ('setShadow' in step)
    return { step: index, weight, shadow: step.setShadow, stage: 'progressing' };
  const { seconds } = step.pause;
  return {
    ...{ step: index, weight, shadow, stage: 'paused' as const },
    ...(seconds !== undefined && { pauseSeconds: seconds }),
  };
}
