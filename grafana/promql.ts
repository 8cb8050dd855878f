import { type MetricName, metrics, type NameOf } from '../src/telemetry/metrics.ts';

/** Labels that Prometheus adds to what it scrapes, and labels of the metric itself, to group by. */
export type By = readonly string[];

/** Dashboards choose by these variables; a metric is narrowed by those whose label it has. */
const chosen = ['scenario', 'strategy'] as const;

/**
 * A metric as a dashboard reads it: narrowed by job and instance, and by scenario and strategy where
 * it has them. `more` are further matchers, as PromQL.
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

/** A metric that is not of the table: Node's own, or an exporter's. */
export function foreign(name: string, more: readonly string[] = []): string {
  return `${name}{${['job=~"$job"', 'instance=~"$instance"', ...more].join(', ')}}`;
}

/** Per second. */
export function rate(name: NameOf<'counter'>, by: By, more: readonly string[] = []): string {
  return `sum by (${by.join(', ')}) (rate(${picked(name, more)}[$__rate_interval]))`;
}

/** How many there were in the time that the dashboard shows. */
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

/** A ratio that is not there, rather than NaN, where nothing happened. */
export const ratio = (part: string, whole: string): string => `${part} / (${whole} > 0)`;
