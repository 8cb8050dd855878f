import type { MetricName } from '../../src/telemetry/metrics.ts';

/** A rule of Prometheus that keeps what a query answers, or that alerts on it. */
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
 * What was found in 5 min. `increase` sees nothing in a series that is born with a value above 0; such
 * a one counts in full while it was not there 5 min ago.
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

/** What alerts, and whoever asks by hand, need of many replicas at once. */
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
