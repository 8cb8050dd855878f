/**
 * Every metric of ours, in one table: registration, exposition over several processes, documentation,
 * dashboards and rules derive from it. Names and units: https://prometheus.io/docs/practices/naming/
 */
import type { labels } from './labels.ts';
import { limits } from './limits.ts';

/** How the values of several processes become one. */
export type Merge = 'sum' | 'min' | 'max' | 'first';

/** Base units; `timestamp` is in seconds since 1970, `info` is always 1. */
export type Unit =
  | 'commands'
  | 'attempts'
  | 'turns'
  | 'violations'
  | 'keys'
  | 'laps'
  | 'audits'
  | 'connections'
  | 'callers'
  | 'processes'
  | 'seconds'
  | 'timestamp'
  | 'info';

export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly unit: Unit;
  readonly help: string;
  readonly labels: readonly (keyof typeof labels)[];
  readonly merge: Merge;
  /** Upper bounds, for a histogram. */
  readonly buckets?: readonly number[];
  /** Who writes it: each worker process, or once for the whole service. */
  readonly of: 'process' | 'service';
}

/**
 * 0.2 ms to 10 s: an uncontended lock on a local store takes less than 1 ms, a waiter gives up at
 * seconds. Every limit of `limits.ts` in seconds that a quantile is held against is an edge.
 */
const secondsBuckets = [
  0.0002,
  0.0005,
  0.001,
  0.002,
  0.005,
  0.01,
  0.02,
  limits.auditP99Seconds,
  limits.poolP99Seconds,
  0.2,
  limits.waitP99Seconds,
  limits.commandP99Seconds,
  2,
  5,
  10,
] as const;

const row = <
  const L extends MetricRow['labels'],
  const T extends MetricRow['type'],
  const U extends Unit,
>(
  type: T,
  unit: U,
  labels: L,
  help: string,
) => ({ type, unit, labels, help, merge: 'sum', of: 'process' }) as const;

const histogram = <const L extends MetricRow['labels']>(labels: L, help: string) =>
  ({ ...row('histogram', 'seconds', labels, help), buckets: secondsBuckets }) as const;

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
    'From the arrival of a command to its outcome, all attempts inside; outcome is accepted, refused or other.',
  ),
  lockstep_attempts_total: row('counter', 'attempts', cell, 'Attempts of the commands that ended.'),
  lockstep_attempt_phase_seconds: histogram(
    ['scenario', 'strategy', 'phase'],
    'What a committed attempt spent its time on: pool (a free connection), wait (until the deciding read answered), hold (from there to COMMIT), commit.',
  ),
  lockstep_attempt_failures_total: row(
    'counter',
    'attempts',
    ['scenario', 'strategy', 'code'],
    'Attempts that failed, by the code of the failure table.',
  ),
  lockstep_retries_after_effect_total: row(
    'counter',
    'attempts',
    cell,
    'Attempts that followed one which had already sent something outside the database.',
  ),
  lockstep_lock_releases_total: row(
    'counter',
    'turns',
    ['scenario', 'strategy', 'end'],
    'Turns outside the transaction that were given back, by how that ended.',
  ),
  lockstep_leases_lost_total: row(
    'counter',
    'turns',
    cell,
    'Turns that ran out or were taken away before they were given back.',
  ),
  lockstep_violations_total: row(
    'counter',
    'violations',
    ['scenario', 'strategy', 'kind'],
    'Violations that the live audit found, each counted once over all processes and restarts; mixed: several strategies accepted on the key; unknown: found by the sweep.',
  ),
  lockstep_refusals_sampled_total: row(
    'counter',
    'keys',
    cell,
    'Keys where somebody was told that nothing is left, and that were looked at again: a sample.',
  ),
  lockstep_refused_with_capacity_total: row(
    'counter',
    'keys',
    cell,
    'Of the refusals that were looked at again, those whose key had room seconds later: an indicator, no verdict.',
  ),
  lockstep_audit_last_success_timestamp_seconds: {
    ...row(
      'gauge',
      'timestamp',
      [],
      'When the last audit ended well; of the process where that is longest ago.',
    ),
    merge: 'min',
  },
  lockstep_audit_duration_seconds: histogram([], 'Time of one audit of recent keys.'),
  lockstep_audit_failures_total: row(
    'counter',
    'audits',
    [],
    'Audits of recent keys and slices of the sweep that could not be done.',
  ),
  lockstep_audit_keys_total: row(
    'counter',
    'keys',
    ['scenario'],
    'Keys that the live audit has judged because something was accepted on them.',
  ),
  lockstep_audit_keys_skipped_total: row(
    'counter',
    'keys',
    ['scenario'],
    'Keys that were dropped without a live audit, because more came than it can judge; the sweep meets them.',
  ),
  lockstep_audit_backlog_keys: row('gauge', 'keys', [], 'Keys that wait for their live audit.'),
  lockstep_audit_sweep_keys_total: row(
    'counter',
    'keys',
    ['scenario'],
    'Keys that the sweep over the whole table has judged.',
  ),
  lockstep_audit_sweep_slice_duration_seconds: histogram(
    [],
    'Time of one slice of the sweep; none may hold a snapshot for longer than 1 s.',
  ),
  lockstep_audit_sweep_laps_total: row(
    'counter',
    'laps',
    ['scenario'],
    'Times that the sweep has come to the end of the table.',
  ),
  lockstep_audit_sweep_last_lap_timestamp_seconds: {
    ...row(
      'gauge',
      'timestamp',
      ['scenario'],
      'When the sweep last came to the end of the table, whichever process it was; or when it first began.',
    ),
    merge: 'max',
  },
  lockstep_pool_connections: row(
    'gauge',
    'connections',
    ['pool', 'state'],
    'Open Postgres connections: work or locks, busy or idle.',
  ),
  lockstep_pool_connections_max: row(
    'gauge',
    'connections',
    ['pool'],
    'Postgres connections that a pool may open.',
  ),
  lockstep_pool_waiting: row(
    'gauge',
    'callers',
    ['pool'],
    'Callers that wait for a free connection.',
  ),
  lockstep_build_info: {
    ...row(
      'gauge',
      'info',
      ['version', 'node', 'strategy'],
      'Always 1; says what runs, and under which strategy.',
    ),
    merge: 'first',
    of: 'service',
  },
  lockstep_processes: {
    ...row('gauge', 'processes', [], 'Worker processes that should be there.'),
    of: 'service',
  },
  lockstep_processes_in_page: {
    ...row('gauge', 'processes', [], 'Worker processes that answered for this page in time.'),
    of: 'service',
  },
  lockstep_process_exits_total: {
    ...row('counter', 'processes', [], 'Worker processes that ended without being asked to.'),
    of: 'service',
  },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof metrics;

/** Names of the metrics of one type. */
export type NameOf<T extends MetricRow['type']> = {
  [N in MetricName]: (typeof metrics)[N]['type'] extends T ? N : never;
}[MetricName];

/** The labels of a metric, all of them. */
export type LabelsOf<N extends MetricName> = Readonly<
  Record<(typeof metrics)[N]['labels'][number], string>
>;

/** The rows as a list, for whoever derives something from all of them. */
export const metricRows: readonly (readonly [name: string, row: MetricRow])[] =
  Object.entries(metrics);
