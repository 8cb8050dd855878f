/** The change in the service's own metrics between two scrapes of its /metrics page. */
import type { ServiceDelta } from './shapes.ts';
import type { Histogram } from './statistics.ts';
import { waitMs } from './wait.ts';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A parsed page. It covers all processes: each of them answers for all. */
export type Page = readonly Sample[];

const pageMaxBytes = 8_000_000;

const triesMax = 4;
const againMs = 250;

/**
 * Fetches the page. A 503 (a busy process did not contribute in time) is retried, at most `triesMax`
 * requests; rejects after 15 s.
 */
export async function scrape(url: string, signal: AbortSignal): Promise<Page> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(15_000)]);
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(new URL('/metrics', url), { signal: limit });
    const text = await response.text();
    if (text.length > pageMaxBytes) throw new Error(`/metrics exceeds ${pageMaxBytes} bytes`);
    if (response.ok) return parsePage(text);
    if (response.status !== 503 || tries === triesMax)
      throw new Error(`/metrics answered ${response.status}`);
    await waitMs(againMs, limit);
  }
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Parses the Prometheus text format; comments and lines that are not samples are skipped. */
export function parsePage(text: string): Page {
  return text.split('\n').flatMap(row => {
    const match = row.startsWith('#') ? null : line.exec(row);
    const [, name, labels = '', value = ''] = match ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(label)].map(([, key = '', text = '']) => [
      key,
      text.replace(/\\(.)/g, (_, next: string) => (next === 'n' ? '\n' : next)),
    ]);
    return [{ name, labels: Object.fromEntries(pairs), value: numberOf(value) }];
  });
}

/** The difference between two pages, for one scenario and strategy. */
export function deltaOf(
  before: Page,
  after: Page,
  cell: { readonly scenario: string; readonly strategy: string },
): ServiceDelta {
  const then = ofCell(before, cell);
  const now = ofCell(after, cell);
  const counters = (name: string, by: string): Record<string, number> => {
    const counted = now
      .filter(sample => sample.name === name)
      .map(sample => [sample.labels[by] ?? '', sample.value - valueIn(then, sample)] as const);
    return Object.fromEntries(counted.filter(([, value]) => value > 0));
  };
  const total = (name: string): number => counters(name, '')[''] ?? 0;
  return {
    commands: histograms('lockstep_command_duration_seconds', 'outcome', then, now),
    phases: histograms('lockstep_attempt_phase_seconds', 'phase', then, now),
    attempts: total('lockstep_attempts_total'),
    effectsWithoutRecord: total('lockstep_effects_without_record_total'),
    failures: counters('lockstep_attempt_failures_total', 'code'),
    releases: counters('lockstep_lock_releases_total', 'end'),
    leasesLost: total('lockstep_leases_lost_total'),
  };
}

function ofCell(page: Page, cell: { readonly scenario: string; readonly strategy: string }): Page {
  return page.filter(
    ({ labels }) => labels.scenario === cell.scenario && labels.strategy === cell.strategy,
  );
}

function histograms(name: string, by: string, then: Page, now: Page): Record<string, Histogram> {
  const values = new Set(
    now.filter(sample => sample.name === `${name}_count`).map(sample => sample.labels[by] ?? ''),
  );
  const all = [...values].map(value => {
    const mine = (sample: Sample): boolean => (sample.labels[by] ?? '') === value;
    return [value, histogramOf(name, then.filter(mine), now.filter(mine))] as const;
  });
  return Object.fromEntries(all.filter(([, histogram]) => histogram.count > 0));
}

function histogramOf(name: string, then: Page, now: Page): Histogram {
  const difference = (sample: Sample): number => sample.value - valueIn(then, sample);
  const of = (suffix: string): number =>
    now
      .filter(sample => sample.name === `${name}_${suffix}`)
      .reduce((total, sample) => total + difference(sample), 0);
  const cumulative = now
    .filter(sample => sample.name === `${name}_bucket`)
    .map(sample => ({ bound: numberOf(sample.labels.le ?? ''), count: difference(sample) }))
    .sort((a, b) => a.bound - b.bound);
  return {
    bounds: cumulative.map(({ bound }) => bound).filter(Number.isFinite),
    counts: cumulative.map(({ count }, index) => count - (cumulative[index - 1]?.count ?? 0)),
    sum: of('sum'),
    count: of('count'),
  };
}

function valueIn(page: Page, { name, labels }: Sample): number {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  const same = page.find(
    sample =>
      sample.name === name && JSON.stringify(Object.entries(sample.labels).sort()) === wanted,
  );
  return same?.value ?? 0;
}

function numberOf(text: string): number {
  return text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text);
}
