/** Ranks costs over blocks: only what differs gets a place of its own. Pure but for the given chance. */
import { twoSidedP, twoSidedT } from './student.ts';

/** Fewer blocks carry no interval worth a rank. */
export const blocksMin = 5;

/** A ratio with its 95 % interval. */
export interface RatioInterval {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
  readonly blocks: number;
}

const resamples = 10_000;
/** Degrees of freedom at which Student's t is the normal distribution. */
const nearlyNormal = 1e9;

/**
 * The geometric mean of the ratios of all blocks, with a bootstrap over the blocks: a block is one
 * repetition of every strategy, so a slow minute of the machine hits all of them and cancels out. The
 * percentiles are widened for few blocks (Hesterberg 2015, https://doi.org/10.1080/00031305.2015.1089789,
 * 3.3): plain ones would hold the truth in only 83 of 100 runs of five blocks. Undefined for fewer than
 * two blocks; throws for a ratio that is not > 0.
 */
export function ratioInterval(
  ratios: readonly number[],
  random: () => number,
): RatioInterval | undefined {
  if (ratios.length < 2) return undefined;
  if (ratios.some(ratio => !(ratio > 0))) throw new Error('expected ratios > 0');
  const logs = ratios.map(Math.log);
  const means = Array.from({ length: resamples }, () => meanOfDraw(logs, random)).sort(
    (a, b) => a - b,
  );
  const at = (share: number): number =>
    Math.exp(means[Math.min(resamples - 1, Math.floor(share * resamples))] ?? 0);
  const tail = widenedTail(ratios.length);
  const middle = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  return { middle, low: at(tail), high: at(1 - tail), blocks: ratios.length };
}

/** The share to leave out on either side so that n blocks carry an interval of 95 %. */
function widenedTail(n: number): number {
  const reach = Math.sqrt(n / (n - 1)) * twoSidedT(0.05, n - 1);
  return twoSidedP(reach, nearlyNormal) / 2;
}

function meanOfDraw(values: readonly number[], random: () => number): number {
  let sum = 0;
  for (let draw = 0; draw < values.length; draw += 1)
    sum += values[Math.floor(random() * values.length)] ?? 0;
  return sum / values.length;
}

/**
 * The place of each: 1 + how many are certainly cheaper, so that intervals which overlap share a
 * place. In the order given.
 */
export function placesOf(
  intervals: readonly Pick<RatioInterval, 'low' | 'high'>[],
): readonly number[] {
  return intervals.map(one => 1 + intervals.filter(other => other.high < one.low).length);
}
