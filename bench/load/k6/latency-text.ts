/** The percentiles of a sample in one line. Pure. */
import type { Points } from './summary.ts';

/** Fewer samples do not carry a percentile, as in `bench/lab/statistics.ts`: k6 sees this folder alone. */
const shown = [
  ['p50', 'p50', 20],
  ['p95', 'p95', 200],
  ['p99', 'p99', 1_000],
  ['p999', 'p99.9', 10_000],
  ['max', 'max', 1],
] as const;

export function latencyText(label: string, at: Points): string {
  const names = shown.map(([, name]) => name).join(' / ');
  const figures = shown.map(([key, , least]) => (at.count >= least ? at[key].toFixed(1) : '–'));
  return `${label.padEnd(12)} ${names} ms: ${figures.join(' / ')}  (${at.count})`;
}
