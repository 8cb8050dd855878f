/** Formats numbers and words for people. Pure. */
import { type Points, type Quantile, type Spread, tailOf } from '../lab/statistics.ts';

export const nothing = '–';

/** Three significant digits; more would only be noise. */
export function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return nothing;
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

export function whole(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** For counts that are usually 0: a dash for 0 makes other values stand out. */
export function countOrNothing(value: number): string {
  return value === 0 ? nothing : whole(value);
}

export function percent(share: number): string {
  const value = share * 100;
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} %`;
}

/** The median of the repetitions, with the range if it is not a single value. */
export function spread(value: Spread | undefined): string {
  if (!value) return nothing;
  const range = [figure(value.min), figure(value.max)];
  const middle = figure(value.median);
  return range[0] === range[1] ? middle : `${middle} (${range.join('–')})`;
}

export function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 9.95 ? 2 : 1)} ×`;
}

export function latencies(points: Points | undefined): string {
  if (!points) return nothing;
  return [figure(points.p50), tail(points), figure(points.max)].join(' / ');
}

/** The highest percentile that the sample carries, with its name unless it is the 99th. */
export function tail(points: Points | undefined): string {
  if (!points) return nothing;
  const { name, value } = tailOf(points);
  return name === 'p99' ? figure(value) : `${figure(value)} (${name})`;
}

/** A ratio with its interval. */
export function interval(value: {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}): string {
  return `${figure(value.middle)} (${figure(value.low)}–${figure(value.high)})`;
}

/** A quantile of a histogram; "≥ 4.00" in its open-ended bucket. */
export function bounded(quantile: Quantile | undefined): string {
  return quantile?.atLeast ? `≥ ${figure(quantile.value)}` : figure(quantile?.value);
}

export function quantiles(
  value: Readonly<Record<'p50' | 'p95' | 'p99', Quantile | undefined>> | undefined,
): string {
  return value ? [value.p50, value.p95, value.p99].map(bounded).join(' / ') : nothing;
}

/** "3 keys", "1 key". */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${whole(count)} ${count === 1 ? singular : plural}`;
}

export function list(words: readonly string[]): string {
  return words.length < 2
    ? (words[0] ?? '')
    : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
