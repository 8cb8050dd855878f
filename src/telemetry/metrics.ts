/**
 * Every metric, in one table: registration, exposition over several processes and documentation
 * derive from it. Names and units: https://prometheus.io/docs/practices/naming/
 */

/** How the values of several processes become one. */
export type Merge = 'sum' | 'min' | 'max' | 'first';

export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly merge: Merge;
  /** Upper bounds, for a histogram. */
  readonly buckets?: readonly number[];
  /** Who writes it: each worker process, or once for the whole service. */
  readonly of: 'process' | 'service';
}

/**
 * 0.2 ms to 10 s: an uncontended lock on a local store takes less than 1 ms, a waiter gives up at
 * seconds.
 */
const secondsBuckets = [
  0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
] as const;

const row = <const L extends readonly string[], const T extends MetricRow['type']>(
  type: T,
  labels: L,
  help: string,
) => ({ type, labels, help, merge: 'sum', of: 'process' }) as const;

const histogram = <const L extends readonly string[]>(labels: L, help: string) =>
  ({ ...row('histogram', labels, help), buckets: secondsBuckets }) as const;

export const metrics = {
  lockstep_commands_total: row(
    'counter',
    ['scenario', 'variant', 'strategy', 'outcome'],
    'Commands that ended, by outcome.',
  ),
  lockstep_command_duration_seconds: histogram(
    ['scenario', 'strategy', 'outcome'],
    'From the arrival of a command to its outcome, all attempts inside; outcome is accepted, refused or other.',
  ),
  lockstep_attempts_total: row(
    'counter',
    ['scenario', 'strategy'],
    'Attempts of the commands that ended.',
  ),
  lockstep_attempt_phase_seconds: histogram(
    ['scenario', 'strategy', 'phase'],
    'What a committed attempt spent its time on: pool (a free connection), wait (until the deciding read answered), hold (from there to COMMIT), commit.',
  ),
  lockstep_attempt_failures_total: row(
    'counter',
    ['scenario', 'strategy', 'code'],
    'Attempts that failed, by the code of the failure table.',
  ),
  lockstep_lock_releases_total: row(
    'counter',
    ['scenario', 'strategy', 'end'],
    'Turns outside the transaction that were given back, by how that ended.',
  ),
  lockstep_leases_lost_total: row(
    'counter',
    ['scenario', 'strategy'],
    'Turns that ran out or were taken away before they were given back.',
  ),
  lockstep_violations_total: row(
    'counter',
    ['scenario', 'strategy', 'kind'],
    'Violations that the live audit found, each counted once over all processes and restarts; mixed: several strategies accepted on the key.',
  ),
  lockstep_audit_last_success_timestamp_seconds: {
    ...row(
      'gauge',
      [],
      'When the last audit ended well; of the process where that is longest ago.',
    ),
    merge: 'min',
  },
  lockstep_audit_duration_seconds: histogram([], 'Time of one audit of recent keys.'),
  lockstep_audit_failures_total: row('counter', [], 'Audits that could not be done.'),
  lockstep_audit_keys_total: row('counter', ['scenario'], 'Keys that the live audit has judged.'),
  lockstep_audit_keys_skipped_total: row(
    'counter',
    ['scenario'],
    'Keys that were dropped without a live audit, because more came than it can judge.',
  ),
  lockstep_audit_backlog_keys: row('gauge', [], 'Keys that wait for their live audit.'),
  lockstep_pool_connections: row(
    'gauge',
    ['pool', 'state'],
    'Open Postgres connections: work or locks, busy or idle.',
  ),
  lockstep_pool_waiting: row('gauge', ['pool'], 'Callers that wait for a free connection.'),
  lockstep_build_info: {
    ...row('gauge', ['version', 'node', 'strategy'], 'Always 1; says what runs.'),
    merge: 'first',
    of: 'service',
  },
  lockstep_processes: {
    ...row('gauge', [], 'Worker processes that should be there.'),
    of: 'service',
  },
  lockstep_processes_in_page: {
    ...row('gauge', [], 'Worker processes that answered for this page in time.'),
    of: 'service',
  },
  lockstep_process_exits_total: {
    ...row('counter', [], 'Worker processes that ended without being asked to.'),
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
