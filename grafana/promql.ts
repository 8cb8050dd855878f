import { type MetricName, metrics, type NameOf } from '../src/telemetry/metrics.ts';

/** Labels to group by: those that Prometheus adds on scrape, and those of the metric. */
export type By = readonly string[];

/** Dashboard variables; a metric is filtered by those whose label it has. */
const chosen = ['scenario', 'strategy'] as const;

/**
 * A metric as a dashboard queries it: filtered by job and instance, and by scenario and strategy if
 * it has those labels. `more` are additional PromQL matchers.
 */
export function picked(name: MetricName, more: readonly string[] = [], suffix = ''): string {
  const { labels }: { readonly labels: readonly string[] } = metrics[name];
  const own = chosen.filter(
    label => labels.includes(label) && !more.some(matcher => matcher.startsWith(label)),
  );
  const matchers = ['job=~"$job"', 'instance=~"$instance"'];
  const all = [...matchers, ...own.map(label => `${label}=~"$${label}"`), ...more];
  return `${name}${suffix}{${all.join(', ')}}`;
}

/** A metric that is not in the table: from Node.js or an exporter. */
export function foreign(name: string, more: readonly string[] = []): string {
  return `${name}{${['job=~"$job"', 'instance=~"$instance"', ...more].join(', ')}}`;
}

/** Rate per second. */
export function rate(name: NameOf<'counter'>, by: By, more: readonly string[] = []): string {
  return `sum by (${by.join(', ')}) (rate(${picked(name, more)}[$__rate_interval]))`;
}

/** The increase within the dashboard's time range. */
export function countInRange(
  name: NameOf<'counter'>,
  by: By,
  more: readonly string[] = [],
): string {
  return `sum by (${by.join(', ')}) (increase(${picked(name, more)}[$__range]))`;
}

/** A quantile of a histogram, in seconds. */
export function quantile(
  share: number,
  name: NameOf<'histogram'>,
  by: By,
  more: readonly string[] = [],
): string {
  return `histogram_quantile(${share}, sum by (${[...by, 'le'].join(', ')}) (rate(${picked(name, more, '_bucket')}[$__rate_interval])))`;
}

/** The buckets of a histogram, for a heatmap. */
export function buckets(name: NameOf<'histogram'>, more: readonly string[] = []): string {
  return `sum by (le) (rate(${picked(name, more, '_bucket')}[$__rate_interval]))`;
}

/** A ratio that is absent, rather than NaN, if the denominator is 0. */
export const ratio = (part: string, whole: string): string => `${part} / (${whole} > 0)`;
