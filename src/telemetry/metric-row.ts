import type { labels } from './labels.ts';
import { limits } from './limits.ts';

/** How the values of several processes are merged. */
export type Merge = 'sum' | 'min' | 'max' | 'first';

/** Base units; `timestamp` is in seconds since 1970, `info` is always 1, a `flag` 1 or 0. */
export type Unit =
  | 'commands'
  | 'attempts'
  | 'turns'
  | 'violations'
  | 'keys'
  | 'laps'
  | 'audits'
  | 'connections'
  | 'callers'
  | 'processes'
  | 'pairs'
  | 'seconds'
  | 'timestamp'
  | 'groups'
  | 'epoch'
  | 'flag'
  | 'tries'
  | 'info';

export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly unit: Unit;
  readonly help: string;
  readonly labels: readonly (keyof typeof labels)[];
  readonly merge: Merge;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
  /** Written by each worker process, or once for the whole service. */
  readonly of: 'process' | 'service';
}

/**
 * 0.2 ms to 10 s: an uncontended lock on a local store takes less than 1 ms, a waiter gives up
 * after seconds. Every threshold in `limits.ts` that a quantile is compared with is a bucket
 * boundary.
 */
const secondsBuckets = [
  0.0002,
  0.0005,
  0.001,
  0.002,
  0.005,
  0.01,
  0.02,
  limits.auditP99Seconds,
  limits.poolP99Seconds,
  0.2,
  limits.waitP99Seconds,
  limits.commandP99Seconds,
  2,
  5,
  10,
] as const;

export const row = <
  const L extends MetricRow['labels'],
  const T extends MetricRow['type'],
  const U extends Unit,
>(
  type: T,
  unit: U,
  labels: L,
  help: string,
) => ({ type, unit, labels, help, merge: 'sum', of: 'process' }) as const;

export const histogram = <const L extends MetricRow['labels']>(labels: L, help: string) =>
  ({ ...row('histogram', 'seconds', labels, help), buckets: secondsBuckets }) as const;
