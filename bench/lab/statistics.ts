/** Percentiles, histograms, and the bound for "0 of n". Pure. */

/** The usual percentiles of a sample. `max` is a single value, so read it as an anecdote. */
export interface Points {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Nearest-rank percentile: always a measured value. `sorted` ascending, not empty. */
export function percentile(sorted: readonly number[], share: number): number {
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? Number.NaN;
}

/** Undefined for an empty sample: not measured is not 0. */
export function pointsOf(sample: readonly number[]): Points | undefined {
  if (sample.length === 0) return undefined;
  const sorted = [...sample].sort((a, b) => a - b);
  return {
    count: sorted.length,
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
  };
}

/** Median and extremes of one figure per repetition. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Undefined without repetitions. For an even number, the median is the mean of the middle two. */
export function spreadOf(repetitions: readonly number[]): Spread | undefined {
  const sorted = [...repetitions].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) return undefined;
  const low = sorted[Math.ceil(sorted.length / 2) - 1] ?? min;
  const high = sorted[Math.floor(sorted.length / 2)] ?? max;
  return { median: (low + high) / 2, min, max };
}

/** A Prometheus histogram, or the difference between two. `counts` are per bucket, not cumulative. */
export interface Histogram {
  /** Upper bounds, ascending; the last bucket is open-ended and has none. */
  readonly bounds: readonly number[];
  /** One more than `bounds`. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** Adds histograms of one metric. Throws if their bounds differ. */
export function merged(histograms: readonly Histogram[]): Histogram | undefined {
  return histograms.reduce<Histogram | undefined>((total, next) => {
    if (!total) return next;
    if (total.bounds.join() !== next.bounds.join())
      throw new Error('cannot add histograms with different buckets');
    return {
      bounds: total.bounds,
      counts: total.counts.map((count, index) => count + (next.counts[index] ?? 0)),
      sum: total.sum + next.sum,
      count: total.count + next.count,
    };
  }, undefined);
}

export interface Quantile {
  readonly value: number;
  /** It lies in the open-ended bucket: `value` is the largest bound, and the quantile is no less. */
  readonly atLeast: boolean;
}

/**
 * A quantile by linear interpolation within its bucket, as in Prometheus: exact to the width of the
 * bucket. Undefined when empty.
 */
export function quantile(histogram: Histogram, share: number): Quantile | undefined {
  if (histogram.count === 0) return undefined;
  const rank = share * histogram.count;
  let below = 0;
  for (const [index, count] of histogram.counts.entries()) {
    const bound = histogram.bounds[index];
    const lower = index === 0 ? 0 : (histogram.bounds[index - 1] ?? 0);
    if (below + count >= rank && count > 0)
      return bound === undefined
        ? { value: lower, atLeast: true }
        : { value: lower + (bound - lower) * ((rank - below) / count), atLeast: false };
    below += count;
  }
  return undefined;
}

/**
 * The rule of three: after 0 of n, the true share is below 3/n with 95 % confidence, if the n are
 * independent (https://doi.org/10.1001/jama.1983.03330370053031). At most 1.
 */
export function ruleOfThree(n: number): number {
  return n <= 3 ? 1 : 3 / n;
}

/**
 * The same for many cells at once: with 95 % confidence none of `cells` exceeds its bound (Bonferroni,
 * https://en.wikipedia.org/wiki/Bonferroni_correction).
 */
export function familyBound(n: number, cells: number): number {
  return n === 0 ? 1 : Math.min(1, Math.log(Math.max(1, cells) / 0.05) / n);
}

/**
 * How many keys count as one independent key, judged by a cell that does fail: the variance of its
 * failed share between repetitions over that of independent keys. 1 where repetitions differ by no more
 * than chance (χ² test at 5 %), and where nothing is known.
 */
export function designEffect(
  repetitions: readonly { readonly failed: number; readonly keys: number }[],
): number {
  const used = repetitions.filter(one => one.keys > 0);
  const keys = used.reduce((sum, one) => sum + one.keys, 0);
  const share = used.reduce((sum, one) => sum + one.failed, 0) / Math.max(1, keys);
  if (used.length < 2 || share === 0 || share === 1) return 1;
  const squares = used.reduce(
    (sum, one) => sum + one.keys * (one.failed / one.keys - share) ** 2,
    0,
  );
  const chiSquare = squares / (share * (1 - share));
  const degrees = used.length - 1;
  return chiSquare > chiSquare95(degrees) ? chiSquare / degrees : 1;
}

/** The 95 % quantile of χ², by Wilson and Hilferty's approximation: 3 % low at 1 degree, within 1 % from 2 on. */
function chiSquare95(degrees: number): number {
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + 1.6449 * Math.sqrt(spread)) ** 3;
}

/** Fewer samples do not carry the percentile: at least ten lie beyond it. */
export const samplesMin = { p50: 20, p90: 100, p95: 200, p99: 1_000, p999: 10_000 } as const;

/** The highest percentile that a sample carries. */
export function tailOf(points: Points): { readonly name: string; readonly value: number } {
  const { count, p50, p90, p95, p99 } = points;
  if (count >= samplesMin.p99) return { name: 'p99', value: p99 };
  if (count >= samplesMin.p95) return { name: 'p95', value: p95 };
  if (count >= samplesMin.p90) return { name: 'p90', value: p90 };
  return { name: 'p50', value: p50 };
}

/** Adds counters by name. */
export function added(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const one of all)
    for (const [name, value] of Object.entries(one)) total[name] = (total[name] ?? 0) + value;
  return total;
}
