import {
  type MetricName,
  type MetricRow,
  metrics,
  type NameOf,
} from '../../src/telemetry/metrics.ts';
import type { Board, Chart, PanelUnit } from '../board.ts';
import { picked, quantile, rate } from '../promql.ts';

/** A panel for each metric that no panel of these boards asks for: a new row of the table has one at once. */
export function furtherCharts(boards: readonly Board[]): readonly Chart[] {
  const asked = boards
    .flatMap(({ sections }) => sections.flatMap(({ charts }) => charts))
    .flatMap(({ queries }) => queries.map(({ expr }) => expr))
    .join('\n');
  const isAsked = (name: string): boolean =>
    new RegExp(`\\b${name}(_bucket|_sum|_count)?\\{`).test(asked);
  return Object.keys(metrics)
    .filter(isMetric)
    .filter(name => !isAsked(name))
    .map(chartOf);
}

function isMetric(name: string): name is MetricName {
  return Object.hasOwn(metrics, name);
}

function isOf<T extends MetricRow['type']>(type: T, name: MetricName): name is NameOf<T> {
  return metrics[name].type === type;
}

function chartOf(name: MetricName): Chart {
  const { help, labels }: MetricRow = metrics[name];
  const words = name.replace(/^lockstep_|_total$/g, '').replaceAll('_', ' ');
  const legend = labels.map(label => `{{${label}}}`).join(' · ') || words;
  return {
    kind: 'lines',
    title: words.charAt(0).toUpperCase() + words.slice(1),
    description: help,
    ...shown(name, labels, legend),
    mayBeEmpty: 'nothing has been counted yet',
  };
}

function shown(
  name: MetricName,
  by: readonly string[],
  legend: string,
): Pick<Chart, 'unit' | 'queries'> {
  const of = (unit: PanelUnit, expr: string) => ({ unit, queries: [{ expr, legend }] });
  if (isOf('counter', name)) return of('ops', rate(name, by));
  if (isOf('histogram', name)) return of('s', quantile(0.99, name, by));
  const { merge, unit }: MetricRow = metrics[name];
  const over = merge === 'first' ? 'max' : merge;
  return of(unitsOf[unit] ?? 'short', `${over} by (${by.join(', ')}) (${picked(name)})`);
}

/** Of gauges; the others are plain numbers. */
const unitsOf: Readonly<Partial<Record<MetricRow['unit'], PanelUnit>>> = {
  seconds: 's',
  timestamp: 'dateTimeFromNow',
};
