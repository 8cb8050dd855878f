/**
 * The only file that uses prom-client: builds instruments from the table and pages from snapshots.
 */
import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
  type RegistryContentType,
} from 'prom-client';
import {
  type LabelsOf,
  type MetricName,
  type MetricRow,
  metricRows,
  type NameOf,
} from './metrics.ts';
import { isAlike } from './series.ts';

/** The metrics of one process, in a form that can be sent to another. */
export type Snapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** These violate the naming rule that a gauge must not end in `_total`. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

export const pageContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** The instruments of one process. */
export class Meter {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #collectors: (() => void)[] = [];
  /** Metrics of the table that may have changed since the last call of `changed`. */
  #touched = new Set<string>();
  /** Node's own metrics, which change all the time. */
  readonly #runtime: readonly string[];

  /** `runtime`: also include Node's own metrics. */
  constructor(of: MetricRow['of'], options: { readonly runtime: boolean }) {
    if (options.runtime) collectDefaultMetrics({ register: this.#registry });
    for (const name of misnamed) this.#registry.removeSingleMetric(name);
    this.#runtime = this.#registry.getMetricsAsArray().map(({ name }) => name);
    for (const [name, row] of metricRows) if (row.of === of) this.#register(name, row);
  }

  add<N extends NameOf<'counter'>>(name: N, labels: LabelsOf<N>, count = 1): void {
    this.#touched.add(name);
    this.#counters.get(name)?.inc(labels, count);
  }

  set<N extends NameOf<'gauge'>>(name: N, labels: LabelsOf<N>, value: number): void {
    this.#touched.add(name);
    this.#gauges.get(name)?.set(labels, value);
  }

  observe<N extends NameOf<'histogram'>>(name: N, labels: LabelsOf<N>, value: number): void {
    this.#touched.add(name);
    this.#histograms.get(name)?.observe(labels, value);
  }

  /** Exports a label set as 0. Only at the start: it would reset a histogram. */
  zero<N extends NameOf<'counter' | 'histogram'>>(name: N, labels: LabelsOf<N>): void {
    this.#touched.add(name);
    this.#counters.get(name)?.inc(labels, 0);
    this.#histograms.get(name)?.zero(labels);
  }

  /** Registers a callback that sets gauges right before each snapshot. */
  beforeSnapshot(collect: () => void): void {
    this.#collectors.push(collect);
  }

  async snapshot(): Promise<Snapshot> {
    for (const collect of this.#collectors) collect();
    return this.#registry.getMetricsAsJSON();
  }

  /** The metrics written since the last call; all of them on the first call. */
  async changed(): Promise<Snapshot> {
    for (const collect of this.#collectors) collect();
    const names = [...this.#runtime, ...this.#touched];
    this.#touched = new Set(); // before reading: changes made meanwhile are reported next time
    const metrics = await Promise.all(
      names.map(name => this.#registry.getSingleMetric(name)?.get()),
    );
    return metrics.flatMap(metric => metric ?? []);
  }

  #register(name: MetricName | string, row: MetricRow): void {
    this.#touched.add(name);
    const { help, labels, merge } = row;
    const registers = [this.#registry];
    const options = { name, help, labelNames: [...labels], aggregator: merge, registers };
    if (row.type === 'counter') this.#counters.set(name, new Counter(options));
    else if (row.type === 'gauge') this.#gauges.set(name, new Gauge(options));
    else {
      const buckets = [...(row.buckets ?? [])];
      this.#histograms.set(name, new Histogram({ ...options, buckets }));
    }
  }
}

/** Merges snapshots by each metric's rule. */
export function mergeSnapshots(snapshots: readonly Snapshot[]): Promise<Snapshot> {
  return merged(snapshots).getMetricsAsJSON();
}

/** The text of the merged snapshots, in Prometheus' exposition format. */
export function pageOf(snapshots: readonly Snapshot[]): Promise<string> {
  return merged(snapshots).metrics();
}

/** Counters and histograms only: what remains valid of a process that is gone or not responding. */
export function countersOf(snapshot: Snapshot): Snapshot {
  return snapshot.filter(
    ({ type }) => type.toString() === 'counter' || type.toString() === 'histogram',
  );
}

function merged(snapshots: readonly Snapshot[]): Registry<RegistryContentType> {
  return AggregatorRegistry.aggregate(summed(snapshots).map(snapshot => [...snapshot]));
}

/**
 * Fewer snapshots with the same sum. Processes of one program mostly have the same series in the
 * same order, so these are added up by index, which avoids hashing every label set. The library
 * merges the rest.
 */
function summed(snapshots: readonly Snapshot[]): readonly Snapshot[] {
  const sums = new Map<string, Snapshot[number]>();
  const others: Snapshot[number][] = [];
  for (const metric of snapshots.flat()) {
    const sum = sums.get(metric.name);
    // always in order: adding floats in another order could lower a sum in its last digit
    const inOrder = !others.some(({ name }) => name === metric.name);
    if (!sum) sums.set(metric.name, { ...metric, values: metric.values.map(one => ({ ...one })) });
    else if (inOrder && isSum(metric) && isInPlace(sum, metric))
      for (const [place, sample] of sum.values.entries())
        sample.value += metric.values[place]?.value ?? 0;
    else others.push(metric);
  }
  return [[...sums.values()], others];
}

function isSum({ aggregator }: Snapshot[number]): boolean {
  return aggregator === 'sum';
}

function isInPlace({ values: a }: Snapshot[number], { values: b }: Snapshot[number]): boolean {
  if (a.length !== b.length) return false;
  return a.every((sample, place) => {
    const other = b[place];
    return other !== undefined && isAlike(sample, other);
  });
}
