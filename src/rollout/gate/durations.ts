/**
 * Durations in steps of a tenth: counts of them can be added up over processes, and a duration that is k
 * times as long is some steps further. Pure.
 */
export const stepFactor = 1.1;
const firstMs = 0.1;
/** From 0.1 ms to more than a minute. */
export const stepCount = 142;

const logOfStep = Math.log(stepFactor);

/** The step of a duration: it is not longer than `firstMs * stepFactor ** step`. */
export function stepOf(seconds: number): number {
  const ms = seconds * 1_000;
  if (!(ms > firstMs)) return 0;
  return Math.min(stepCount - 1, Math.ceil(Math.log(ms / firstMs) / logOfStep));
}

/** The upper end of a step. */
export function secondsOf(step: number): number {
  return (firstMs * stepFactor ** step) / 1_000;
}

/** How many steps a factor is, rounded up: in favour of what is tolerated. */
export function stepsOf(factor: number): number {
  return Math.max(0, Math.ceil(Math.log(factor) / logOfStep - 1e-9));
}

/** How many of them are beyond a step. */
export function beyond(counts: readonly number[], step: number): number {
  let sum = 0;
  for (let index = step + 1; index < counts.length; index += 1) sum += counts[index] ?? 0;
  return sum;
}

export function totalOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The step that a share of them does not exceed; undefined where there are none. */
export function quantileOf(counts: readonly number[], share: number): number | undefined {
  const total = totalOf(counts);
  if (total === 0) return undefined;
  let sum = 0;
  for (const [step, count] of counts.entries()) {
    sum += count;
    if (sum >= share * total) return step;
  }
  return counts.length - 1;
}
