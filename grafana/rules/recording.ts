import type { MetricName } from '../../src/telemetry/metrics.ts';

/** A Prometheus rule that records the result of a query or alerts on it. */
export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const cell = 'job, scenario, strategy';

/**
 * Findings within 5 min. `increase` misses the initial value of a series that starts above 0, so a
 * series that did not exist 5 min ago counts in full.
 */
function found(name: MetricName): string {
  const born = `${name} unless ${name} offset 5m`;
  return `sum by (${cell}, kind) ((increase(${name}[5m]) and ${name} offset 5m) or (${born}))`;
}

const rate = (name: MetricName, by: string, matchers = ''): string =>
  `sum by (${by}) (rate(${name}${matchers}[5m]))`;

const accepted = 'lockstep:commands:rate5m{outcome="accepted"}';

const p99 = (name: MetricName, matchers = ''): string =>
  `histogram_quantile(0.99, sum by (${cell}, le) (rate(${name}_bucket${matchers}[5m])))`;

/** Aggregates over many replicas, for alerts and ad-hoc queries. */
export const recordingRules: readonly Rule[] = [
  { record: 'lockstep:violations:found5m', expr: found('lockstep_violations_total') },
  {
    record: 'lockstep:commands:rate5m',
    expr: rate('lockstep_commands_total', `${cell}, outcome`),
  },
  { record: 'lockstep:attempts:rate5m', expr: rate('lockstep_attempts_total', cell) },
  {
    record: 'lockstep:busy:ratio5m',
    expr: `sum by (${cell}) (lockstep:commands:rate5m{outcome="busy"}) / (sum by (${cell}) (lockstep:commands:rate5m) > 0)`,
  },
  {
    record: 'lockstep:attempts_per_accepted:ratio5m',
    expr: `lockstep:attempts:rate5m / (sum by (${cell}) (${accepted}) > 0)`,
  },
  {
    record: 'lockstep:wait:p99_5m',
    expr: p99('lockstep_attempt_phase_seconds', '{phase="wait"}'),
  },
];
