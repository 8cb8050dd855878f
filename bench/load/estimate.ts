/** Means over repetitions, with confidence intervals. Pure. */

/** The mean of the repetitions; with an interval if there are at least two. */
export interface Estimate {
  readonly mean: number;
  readonly repetitions: number;
  /** Half the width of the 95 % confidence interval of the mean; null for one repetition. */
  readonly plusMinus: number | null;
}

/** Quantiles of Student's t, two-sided 95 %, for 1 to 30 degrees of freedom. */
const t95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
];
const normal95 = 1.96;

/** Undefined without a known value. Unknown values are left out; `repetitions` counts the known ones. */
export function estimateOf(values: readonly (number | null | undefined)[]): Estimate | undefined {
  const known = values.filter(value => value !== null && value !== undefined);
  const n = known.length;
  if (n === 0) return undefined;
  const mean = known.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, repetitions: 1, plusMinus: null };
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (n - 1));
  return { mean, repetitions: n, plusMinus: ((t95[n - 2] ?? normal95) * deviation) / Math.sqrt(n) };
}

/** Whether two figures differ by more than their intervals; otherwise the difference is noise. */
export function differs(a: Estimate | undefined, b: Estimate | undefined): boolean {
  if (!a || !b || a.plusMinus === null || b.plusMinus === null) return false;
  return Math.abs(a.mean - b.mean) > Math.hypot(a.plusMinus, b.plusMinus);
}
