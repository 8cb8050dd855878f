import { limits } from '../../src/telemetry/limits.ts';
import type { Rule } from './recording.ts';

type Severity = 'page' | 'ticket';

interface Alert {
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  /** How long it has to last. */
  readonly lasts?: string;
  readonly summary: string;
  readonly description: string;
}

/** The page of an alert, by its name: `LockstepPoolExhausted` is `pool-exhausted`. */
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
      '{{ $value | printf "%.0f" }} found within 5 min. What the lock is there to prevent has happened.',
  },
  {
    name: 'LockstepInconsistent',
    severity: 'ticket',
    expr: 'sum by (job, scenario, strategy, kind) (lockstep:violations:found5m{kind!~"duplicate|lost update"}) > 0',
    summary: `{{ $labels.kind }}: ${cell}`,
    description: '{{ $value | printf "%.0f" }} found within 5 min: an invariant does not hold.',
  },
  {
    name: 'LockstepAttemptsStopped',
    severity: 'ticket',
    expr: 'sum by (job) (rate(lockstep_attempts_total[5m])) == 0 and sum by (job) (rate(lockstep_attempts_total[1h] offset 5m)) > 0',
    lasts: '5m',
    summary: 'No attempt is being made in {{ $labels.job }}',
    description: 'There were attempts within the last hour, and there have been none for 10 min.',
  },
  {
    name: 'LockstepMetricsMissing',
    severity: 'ticket',
    expr: 'absent(lockstep_build_info)',
    lasts: '2m',
    summary: 'No replica of Lockstep is being watched',
    description: 'Nothing is scraped: every other alert is silent for want of data.',
  },
  {
    name: 'LockstepAuditorStopped',
    severity: 'ticket',
    expr: `time() - min by (job, instance) (lockstep_audit_last_success_timestamp_seconds) > ${limits.auditSilentSeconds} or (max by (job, instance) (lockstep_build_info) unless on (job, instance) lockstep_audit_last_success_timestamp_seconds)`,
    lasts: '1m',
    summary: 'The auditor of {{ $labels.instance }} has stopped',
    description: 'Silence of an auditor that does not run is not safety.',
  },
  {
    name: 'LockstepSweepStopped',
    severity: 'ticket',
    expr: `time() - max by (job, scenario) (lockstep_audit_sweep_last_lap_timestamp_seconds) > ${limits.lapSilentSeconds}`,
    lasts: '5m',
    summary: 'The sweep over {{ $labels.scenario }} does not come to an end',
    description: 'Last lap {{ $value | humanizeDuration }} ago.',
  },
  {
    name: 'LockstepAuditorBehind',
    severity: 'ticket',
    expr: 'sum by (job, scenario) (rate(lockstep_audit_keys_skipped_total[5m])) > 0',
    lasts: '5m',
    summary: 'Keys of {{ $labels.scenario }} are dropped without an audit',
    description: 'More is accepted than the auditor judges; what is dropped waits for the sweep.',
  },
  {
    name: 'LockstepBusy',
    severity: 'ticket',
    expr: `lockstep:busy:ratio5m > ${limits.busyRatio}`,
    lasts: '5m',
    summary: `{{ $value | humanizePercentage }} of the commands are turned away: ${cell}`,
    description: 'They could not get the turn in time.',
  },
  {
    name: 'LockstepWaitSlow',
    severity: 'ticket',
    expr: `lockstep:wait:p99_5m > ${limits.waitP99Seconds}`,
    lasts: '5m',
    summary: `p99 of the wait is {{ $value | humanizeDuration }}: ${cell}`,
    description: 'From the start of an attempt to the answer of its deciding read.',
  },
  {
    name: 'LockstepRetries',
    severity: 'ticket',
    expr: `lockstep:attempts_per_accepted:ratio5m > ${limits.attemptsPerAccepted} and on (job, scenario, strategy) (lockstep:attempts:rate5m / on (job, scenario, strategy) sum by (job, scenario, strategy) (lockstep:commands:rate5m) > 1.5)`,
    lasts: '5m',
    summary: `{{ $value | printf "%.1f" }} attempts per accepted command: ${cell}`,
    description: 'And commands are tried more than once: most work is thrown away.',
  },
  {
    name: 'LockstepLeasesLost',
    severity: 'ticket',
    expr: 'sum by (job, scenario, strategy) (increase(lockstep_leases_lost_total[10m])) > 0',
    summary: `Leases are lost while they are held: ${cell}`,
    description:
      '{{ $value | printf "%.0f" }} within 10 min. Without a fence each may be a duplicate.',
  },
  {
    name: 'LockstepPoolExhausted',
    severity: 'ticket',
    expr: 'min_over_time(lockstep_pool_waiting[1m]) > 0 or sum by (job, instance) (rate(lockstep_attempt_failures_total{code="pool-exhausted"}[1m])) > 0',
    lasts: '1m',
    summary: 'Callers wait for a connection at {{ $labels.instance }}',
    description: 'Every connection of the pool is busy, and has been for a minute.',
  },
  {
    name: 'LockstepProcessMissing',
    severity: 'ticket',
    expr: 'lockstep_processes - lockstep_processes_in_page > 0',
    lasts: '2m',
    summary: '{{ $value }} processes of {{ $labels.instance }} do not answer',
    description: 'What they have counted stands still, and what they audit is not audited.',
  },
  {
    name: 'LockstepEventLoopSlow',
    severity: 'ticket',
    expr: `max by (job, instance) (nodejs_eventloop_lag_p99_seconds and on (job, instance) lockstep_processes) > ${limits.eventLoopP99Seconds}`,
    lasts: '5m',
    summary: 'The event loop of {{ $labels.instance }} is late',
    description: 'p99 {{ $value | humanizeDuration }}: leases may run out unnoticed.',
  },
];

/** Alerts as rules: duplicates page, the rest are tickets; each has a page of what to do. */
export const alertRules: readonly Rule[] = alerts.map(
  ({ name, severity, expr, lasts, summary, description }) => ({
    alert: name,
    expr,
    ...(lasts && { for: lasts }),
    labels: { severity, service: 'lockstep' },
    annotations: { summary, description, runbook: `docs/runbooks/${runbookOf(name)}.md` },
  }),
);
