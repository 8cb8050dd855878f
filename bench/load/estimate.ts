/** Means over repetitions, with confidence intervals. Pure. */
import { twoSidedT } from '../lab/student.ts';

/** The mean of the repetitions; with an interval if there are at least two. */
export interface Estimate {
  readonly mean: number;
  readonly repetitions: number;
  /** The values that are known, one per repetition. */
  readonly values: readonly number[];
  /** Half the width of the 95 % confidence interval of the mean; null for one repetition. */
  readonly plusMinus: number | null;
}

/** Undefined without a known value. Unknown values are left out; `repetitions` counts the known ones. */
export function estimateOf(values: readonly (number | null | undefined)[]): Estimate | undefined {
  const known = values.filter(value => value !== null && value !== undefined);
  const n = known.length;
  if (n === 0) return undefined;
  const mean = known.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, repetitions: 1, values: known, plusMinus: null };
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (n - 1));
  const plusMinus = (twoSidedT(0.05, n - 1) * deviation) / Math.sqrt(n);
  return { mean, repetitions: n, values: known, plusMinus };
}

/** Whether two figures differ by more than their intervals; otherwise the difference is noise. */
export function differs(a: Estimate | undefined, b: Estimate | undefined): boolean {
  if (!a || !b || a.plusMinus === null || b.plusMinus === null) return false;
  return Math.abs(a.mean - b.mean) > Math.hypot(a.plusMinus, b.plusMinus);
}
