import { limits } from '../../src/telemetry/limits.ts';
import type { Rule } from './recording.ts';

type Severity = 'page' | 'ticket';

interface Alert {
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  /** How long the condition must hold (`for`). */
  readonly lasts?: string;
  readonly summary: string;
  readonly description: string;
}

/** The runbook of an alert: `LockstepPoolExhausted` has `pool-exhausted`. */
export function runbookOf(alert: string): string {
  return alert
    .replace(/^Lockstep/, '')
    .replace(/(?!^)([A-Z])/g, '-$1')
    .toLowerCase();
}

const cell = '{{ $labels.strategy }} on {{ $labels.scenario }}';

const alerts: readonly Alert[] = [
  {
    name: 'LockstepDuplicate',
    severity: 'page',
    expr: 'sum by (job, scenario, strategy, kind) (lockstep:violations:found5m{kind=~"duplicate|lost update"}) > 0',
    summary: `{{ $labels.kind }}: ${cell}`,
    description:
      '{{ $value | printf "%.0f" }} found within 5 min. What the lock is supposed to prevent has happened.',
  },
  {
    name: 'LockstepInconsistent',
    severity: 'ticket',
    expr: 'sum by (job, scenario, strategy, kind) (lockstep:violations:found5m{kind!~"duplicate|lost update"}) > 0',
    summary: `{{ $labels.kind }}: ${cell}`,
    description: '{{ $value | printf "%.0f" }} found within 5 min: an invariant is broken.',
  },
  {
    name: 'LockstepMixedFleet',
    severity: 'ticket',
    expr: 'max by (job) (lockstep_fleet_unsafe_pairs) > 0',
    summary: 'Strategies that do not exclude each other serve together in {{ $labels.job }}',
    description:
      '{{ $value | printf "%.0f" }} pairs of strategies serve on one database and are not known to exclude each other: duplicates will follow.',
  },
  {
    name: 'LockstepRolloutFailed',
    severity: 'ticket',
    expr: 'max by (job, scenario, variant) (lockstep_rollout_verdict{verdict="Failed"}) == 1',
    summary: 'The gate of a rollout has failed: {{ $labels.scenario }}/{{ $labels.variant }}',
    description: 'Its keys go back to the old strategy by themselves.',
  },
  {
    name: 'LockstepRolloutStuck',
    severity: 'ticket',
    expr: 'max by (job, scenario, variant) (lockstep_rollout_blocked_groups) > 0 or max by (job, scenario, variant) (lockstep_rollout_stage{stage="aborting"}) == 1',
    lasts: '5m',
    summary: 'Keys cannot change hands: {{ $labels.scenario }}/{{ $labels.variant }}',
    description:
      'Somebody stays inside their gate: a process that is frozen, or a long transaction.',
  },
  {
    name: 'LockstepRolloutUnaudited',
    severity: 'ticket',
    expr: 'max by (job, scenario, variant, arm) (delta(lockstep_rollout_contested_keys[10m])) > 0 unless max by (job, scenario, variant, arm) (delta(lockstep_rollout_audited_keys[10m])) > 0',
    lasts: '5m',
    summary:
      'The {{ $labels.arm }} strategy of a rollout is not audited: {{ $labels.scenario }}/{{ $labels.variant }}',
    description:
      'Its keys are contested, and nobody has looked at them for 10 min: no findings does not mean safe.',
  },
  {
    name: 'LockstepAttemptsStopped',
    severity: 'ticket',
    expr: 'sum by (job) (rate(lockstep_attempts_total[5m])) == 0 and sum by (job) (rate(lockstep_attempts_total[1h] offset 5m)) > 0',
    lasts: '5m',
    summary: 'No attempts in {{ $labels.job }}',
    description: 'There were attempts within the last hour, but none in the last 10 min.',
  },
  {
    name: 'LockstepMetricsMissing',
    severity: 'ticket',
    expr: 'absent(lockstep_build_info)',
    lasts: '2m',
    summary: 'No metrics from any replica of Lockstep',
    description: 'Nothing is scraped: without data no other alert can fire.',
  },
  {
    name: 'LockstepAuditorStopped',
    severity: 'ticket',
    expr: `time() - min by (job, instance) (lockstep_audit_last_success_timestamp_seconds) > ${limits.auditSilentSeconds} or (max by (job, instance) (lockstep_build_info) unless on (job, instance) lockstep_audit_last_success_timestamp_seconds)`,
    lasts: '1m',
    summary: 'The auditor of {{ $labels.instance }} has stopped',
    description: 'Without audits, no findings does not mean safe.',
  },
  {
    name: 'LockstepSweepStopped',
    severity: 'ticket',
    expr: `time() - max by (job, scenario) (lockstep_audit_sweep_last_lap_timestamp_seconds) > ${limits.lapSilentSeconds}`,
    lasts: '5m',
    summary: 'The sweep over {{ $labels.scenario }} has stalled',
    description: 'The last lap ended {{ $value | humanizeDuration }} ago.',
  },
  {
    name: 'LockstepAuditorBehind',
    severity: 'ticket',
    expr: 'sum by (job, scenario) (rate(lockstep_audit_keys_skipped_total[5m])) > 0',
    lasts: '5m',
    summary: 'Keys of {{ $labels.scenario }} are dropped without an audit',
    description:
      'More keys are accepted than the auditor can handle; the sweep audits the dropped ones later.',
  },
  {
    name: 'LockstepBusy',
    severity: 'ticket',
    expr: `lockstep:busy:ratio5m > ${limits.busyRatio}`,
    lasts: '5m',
    summary: `{{ $value | humanizePercentage }} of commands end as busy: ${cell}`,
    description: 'They did not get the lock in time.',
  },
  {
    name: 'LockstepWaitSlow',
    severity: 'ticket',
    expr: `lockstep:wait:p99_5m > ${limits.waitP99Seconds}`,
    lasts: '5m',
    summary: `Lock wait p99 is {{ $value | humanizeDuration }}: ${cell}`,
    description: 'Measured from the start of an attempt until its deciding read returns.',
  },
  {
    name: 'LockstepRetries',
    severity: 'ticket',
    expr: `lockstep:attempts_per_accepted:ratio5m > ${limits.attemptsPerAccepted} and on (job, scenario, strategy) (lockstep:attempts:rate5m / on (job, scenario, strategy) sum by (job, scenario, strategy) (lockstep:commands:rate5m) > 1.5)`,
    lasts: '5m',
    summary: `{{ $value | printf "%.1f" }} attempts per accepted command: ${cell}`,
    description: 'Commands are retried, and most work is wasted.',
  },
  {
    name: 'LockstepLeasesLost',
    severity: 'ticket',
    expr: 'sum by (job, scenario, strategy) (increase(lockstep_leases_lost_total[10m])) > 0',
    summary: `Leases are lost while held: ${cell}`,
    description:
      '{{ $value | printf "%.0f" }} within 10 min. Without fencing, each may cause a duplicate.',
  },
  {
    name: 'LockstepPoolExhausted',
    severity: 'ticket',
    expr: 'min_over_time(lockstep_pool_waiting[1m]) > 0 or sum by (job, instance) (rate(lockstep_attempt_failures_total{code="pool-exhausted"}[1m])) > 0',
    lasts: '1m',
    summary: 'Connection pool exhausted at {{ $labels.instance }}',
    description: 'Callers have been waiting for a connection for a minute.',
  },
  {
    name: 'LockstepProcessMissing',
    severity: 'ticket',
    expr: 'lockstep_processes - lockstep_processes_in_page > 0',
    lasts: '2m',
    summary: '{{ $value }} processes of {{ $labels.instance }} are not responding',
    description: 'Their counts are frozen, and their recent keys are not audited.',
  },
  {
    name: 'LockstepEventLoopSlow',
    severity: 'ticket',
    expr: `max by (job, instance) (nodejs_eventloop_lag_p99_seconds and on (job, instance) lockstep_processes) > ${limits.eventLoopP99Seconds}`,
    lasts: '5m',
    summary: 'Event loop lag is high at {{ $labels.instance }}',
    description: 'p99 is {{ $value | humanizeDuration }}: leases may expire unnoticed.',
  },
];

/** Alerts as rules: duplicates page, the rest are tickets; each has a runbook. */
export const alertRules: readonly Rule[] = alerts.map(
  ({ name, severity, expr, lasts, summary, description }) => ({
    alert: name,
    expr,
    ...(lasts && { for: lasts }),
    labels: { severity, service: 'lockstep' },
    annotations: { summary, description, runbook: `docs/runbooks/${runbookOf(name)}.md` },
  }),
);
