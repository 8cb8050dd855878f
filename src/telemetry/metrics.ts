/**
 * All our metrics in one table, from which registration, merging over processes, documentation,
 * dashboards and rules are derived. Names and units: https://prometheus.io/docs/practices/naming/
 */
import { histogram, type Merge, type MetricRow, row, type Unit } from './metric-row.ts';
import { rolloutMetrics } from './rollout-metrics.ts';

export type { Merge, MetricRow, Unit };

const cell = ['scenario', 'strategy'] as const;

export const metrics = {
  lockstep_commands_total: row(
    'counter',
    'commands',
    ['scenario', 'variant', 'strategy', 'outcome'],
    'Commands that ended, by outcome.',
  ),
  lockstep_command_duration_seconds: histogram(
    ['scenario', 'strategy', 'outcome'],
    'Time from the arrival of a command to its outcome, including all attempts; outcome is accepted, refused or other.',
  ),
  lockstep_attempts_total: row(
    'counter',
    'attempts',
    cell,
    'Attempts made by commands that have ended.',
  ),
  lockstep_attempt_phase_seconds: histogram(
    ['scenario', 'strategy', 'phase'],
    'Where a committed attempt spent its time: pool (waiting for a connection), wait (until the deciding read returned), hold (from then to COMMIT), commit.',
  ),
  lockstep_attempt_failures_total: row(
    'counter',
    'attempts',
    ['scenario', 'strategy', 'code'],
    'Failed attempts, by code of the failure table.',
  ),
  lockstep_effects_without_record_total: row(
    'counter',
    'commands',
    cell,
    'Commands that sent a request outside the database and then did not, or may not have, committed: the effect may be there without its record. Not counted where it is idempotent.',
  ),
  lockstep_lock_releases_total: row(
    'counter',
    'turns',
    ['scenario', 'strategy', 'end'],
    'Releases of locks held outside the transaction, by result.',
  ),
  lockstep_leases_lost_total: row(
    'counter',
    'turns',
    cell,
    'Leases that expired or were taken away before their release.',
  ),
  lockstep_violations_total: row(
    'counter',
    'violations',
    ['scenario', 'strategy', 'kind'],
    'Violations found by the live audit, each counted once across all processes and restarts; strategy mixed: several strategies decided the key within two minutes, in whatever process; unknown: found by the sweep.',
  ),
  lockstep_refusals_sampled_total: row(
    'counter',
    'keys',
    cell,
    'Keys on which a caller was told that nothing is left and that were rechecked: a sample.',
  ),
  lockstep_refused_with_capacity_total: row(
    'counter',
    'keys',
    cell,
    'Rechecked refusals whose key had capacity seconds later: a hint, not proof.',
  ),
  lockstep_audit_last_success_timestamp_seconds: {
    ...row(
      'gauge',
      'timestamp',
      [],
      'Time of the last successful audit, of the process where it is oldest.',
    ),
    merge: 'min',
  },
  lockstep_audit_duration_seconds: histogram([], 'Duration of one audit of recent keys.'),
  lockstep_audit_failures_total: row(
    'counter',
    'audits',
    [],
    'Failed audits of recent keys and failed slices of the sweep.',
  ),
  lockstep_audit_keys_total: row(
    'counter',
    'keys',
    ['scenario'],
    'Keys audited because a command was accepted on them.',
  ),
  lockstep_audit_keys_skipped_total: row(
    'counter',
    'keys',
    ['scenario'],
    'Keys dropped without a live audit because of overload; the sweep covers them.',
  ),
  lockstep_audit_backlog_keys: row('gauge', 'keys', [], 'Keys waiting for their live audit.'),
  lockstep_audit_sweep_keys_total: row(
    'counter',
    'keys',
    ['scenario'],
    'Keys audited by the sweep over the whole table.',
  ),
  lockstep_audit_sweep_slice_duration_seconds: histogram(
    [],
    'Duration of one slice of the sweep; no slice may hold a snapshot for longer than 1 s.',
  ),
  lockstep_audit_sweep_laps_total: row(
    'counter',
    'laps',
    ['scenario'],
    'Completed laps of the sweep over the table.',
  ),
  lockstep_audit_sweep_last_lap_timestamp_seconds: {
    ...row(
      'gauge',
      'timestamp',
      ['scenario'],
      'Time when the sweep last completed a lap, in any process; before the first lap, when it began.',
    ),
    merge: 'max',
  },
  lockstep_fleet_unsafe_pairs: {
    ...row(
      'gauge',
      'pairs',
      [],
      'Pairs of strategies that processes on this database run at the same time and that are not known to exclude each other.',
    ),
    merge: 'max',
  },
  ...rolloutMetrics,
  lockstep_commands_waiting: row(
    'gauge',
    'commands',
    [],
    'Commands that wait in their process, without a connection, until others of their key have had their turn.',
  ),
  lockstep_pool_connections: row(
    'gauge',
    'connections',
    ['pool', 'state'],
    'Open Postgres connections, by pool and state.',
  ),
  lockstep_pool_connections_max: row(
    'gauge',
    'connections',
    ['pool'],
    'Maximum number of Postgres connections in the pool.',
  ),
  lockstep_pool_waiting: row(
    'gauge',
    'callers',
    ['pool'],
    'Callers waiting for a free connection.',
  ),
  lockstep_http_connections: row(
    'gauge',
    'connections',
    [],
    'Open HTTP connections that are served.',
  ),
  lockstep_http_connections_max: row(
    'gauge',
    'connections',
    [],
    'Maximum number of HTTP connections that are served.',
  ),
  lockstep_http_connections_refused_total: row(
    'counter',
    'connections',
    [],
    'HTTP connections refused because the maximum was reached.',
  ),
  lockstep_build_info: {
    ...row(
      'gauge',
      'info',
      ['version', 'node', 'strategy'],
      'Always 1; the labels identify the running version and strategy.',
    ),
    merge: 'first',
    of: 'service',
  },
  lockstep_processes: {
    ...row('gauge', 'processes', [], 'Configured number of worker processes.'),
    of: 'service',
  },
  lockstep_processes_in_page: {
    ...row('gauge', 'processes', [], 'Worker processes that responded to this scrape in time.'),
    of: 'service',
  },
  lockstep_process_exits_total: {
    ...row('counter', 'processes', [], 'Worker processes that exited unexpectedly.'),
    of: 'service',
  },
  lockstep_processes_stuck_total: {
    ...row(
      'counter',
      'processes',
      [],
      'Worker processes that were killed because they took no connections any more; they count as exits too.',
    ),
    of: 'service',
  },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof metrics;

/** Names of the metrics of one type. */
export type NameOf<T extends MetricRow['type']> = {
  [N in MetricName]: (typeof metrics)[N]['type'] extends T ? N : never;
}[MetricName];

/** All labels of a metric. */
export type LabelsOf<N extends MetricName> = Readonly<
  Record<(typeof metrics)[N]['labels'][number], string>
>;

/** The rows as a list. */
export const metricRows: readonly (readonly [name: string, row: MetricRow])[] =
  Object.entries(metrics);
