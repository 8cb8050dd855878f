import { limits } from '../../src/telemetry/limits.ts';
import { type Board, type Chart, changes, choices } from '../board.ts';
import { foreign, picked, quantile, rate } from '../promql.ts';

const fromExporter = (
  who: 'Postgres' | 'Redis',
  chart: Omit<Chart, 'kind' | 'mayBeEmpty'>,
): Chart => ({
  ...chart,
  kind: 'lines',
  source: who === 'Postgres' ? 'postgres exporter' : 'redis exporter',
  mayBeEmpty: `needs the ${who} exporter, which is not deployed everywhere`,
});

const postgres: readonly Chart[] = [
  fromExporter('Postgres', {
    title: 'Postgres: locks',
    description: 'Held and awaited, by mode.',
    unit: 'short',
    queries: [{ expr: 'sum by (mode) (pg_locks_count) > 0', legend: '{{mode}}' }],
  }),
  fromExporter('Postgres', {
    title: 'Postgres: session states',
    description:
      '`idle in transaction` holds locks without doing anything: look for a dead client.',
    unit: 'short',
    queries: [{ expr: 'sum by (state) (pg_stat_activity_count) > 0', legend: '{{state}}' }],
  }),
  fromExporter('Postgres', {
    title: 'Postgres: longest transaction',
    description: 'By state. A long one holds its locks and blocks vacuum.',
    unit: 's',
    queries: [{ expr: 'max by (state) (pg_stat_activity_max_tx_duration)', legend: '{{state}}' }],
  }),
  fromExporter('Postgres', {
    title: 'Postgres: connections',
    description: 'Fraction of max_connections in use.',
    unit: 'percentunit',
    queries: [
      {
        expr: 'sum by (instance) (pg_stat_database_numbackends) / on (instance) max by (instance) (pg_settings_max_connections)',
        legend: '{{instance}}',
      },
    ],
    limit: 0.9,
  }),
  fromExporter('Postgres', {
    title: 'Postgres: commits, rollbacks, deadlocks',
    description: 'Per second. Optimistic strategies roll back before each retry.',
    unit: 'ops',
    queries: [
      {
        expr: 'sum(rate(pg_stat_database_xact_commit[$__rate_interval]))',
        legend: 'commits',
      },
      {
        expr: 'sum(rate(pg_stat_database_xact_rollback[$__rate_interval]))',
        legend: 'rollbacks',
      },
      {
        expr: 'sum(rate(pg_stat_database_deadlocks[$__rate_interval]))',
        legend: 'deadlocks',
      },
    ],
  }),
];

const redis: readonly Chart[] = [
  fromExporter('Redis', {
    title: 'Redis: commands',
    description: 'Per second, by command.',
    unit: 'ops',
    queries: [
      {
        expr: 'sum by (cmd) (rate(redis_commands_total[$__rate_interval])) > 0',
        legend: '{{cmd}}',
      },
    ],
  }),
  fromExporter('Redis', {
    title: 'Redis: evicted keys',
    description: 'Any evicted key may be a held lock: set maxmemory-policy to noeviction.',
    unit: 'ops',
    queries: [
      {
        expr: 'sum by (instance) (rate(redis_evicted_keys_total[$__rate_interval]))',
        legend: '{{instance}}',
      },
    ],
    limit: 1,
  }),
  fromExporter('Redis', {
    title: 'Redis: memory and clients',
    description: 'Memory in use.',
    unit: 'bytes',
    queries: [{ expr: 'sum by (instance) (redis_memory_used_bytes)', legend: '{{instance}}' }],
  }),
];

const runtime = (
  title: string,
  description: string,
  unit: Chart['unit'],
  query: Chart['queries'][number],
): Chart => ({ kind: 'lines', title, description, unit, queries: [query], columns: 6 });

/** Connections, stores and the Node.js runtime. */
export const storesAndRuntime: Board = {
  uid: 'lockstep-stores',
  title: 'Lockstep / Stores and runtime',
  description: 'Connections, stores and the Node.js runtime.',
  choices,
  marks: changes,
  sections: [
    {
      title: 'Connection pools',
      charts: [
        {
          kind: 'lines',
          title: 'Pool in use',
          description: 'Busy connections as a fraction of the pool size.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum by (instance, pool) (${picked('lockstep_pool_connections', ['state="busy"'])}) / sum by (instance, pool) (${picked('lockstep_pool_connections_max')})`,
              legend: '{{instance}} · {{pool}}',
            },
          ],
          limit: 1,
        },
        {
          kind: 'lines',
          title: 'Waiting for a connection',
          description: 'Callers waiting because all connections are busy.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (instance, pool) (${picked('lockstep_pool_waiting')})`,
              legend: '{{instance}} · {{pool}}',
            },
          ],
          limit: 1,
        },
        {
          kind: 'lines',
          title: 'Wait for a connection p99',
          description: 'For committed attempts.',
          unit: 's',
          queries: [
            {
              expr: quantile(
                0.99,
                'lockstep_attempt_phase_seconds',
                ['instance'],
                ['phase="pool"'],
              ),
              legend: '{{instance}}',
            },
          ],
          limit: limits.poolP99Seconds,
        },
      ],
    },
    { title: 'Postgres', charts: postgres },
    { title: 'Redis', charts: redis },
    {
      title: 'Node.js',
      charts: [
        runtime('Event loop lag p99', 'Mean over the processes of a replica.', 's', {
          expr: `max by (instance) (${foreign('nodejs_eventloop_lag_p99_seconds')})`,
          legend: '{{instance}}',
        }),
        runtime('Event loop lag, maximum', 'Of the worst process.', 's', {
          expr: `max by (instance) (${foreign('nodejs_eventloop_lag_max_seconds')})`,
          legend: '{{instance}}',
        }),
        runtime('CPU', 'Cores in use, summed over the processes of a replica.', 'short', {
          expr: `sum by (instance) (rate(${foreign('process_cpu_seconds_total')}[$__rate_interval]))`,
          legend: '{{instance}}',
        }),
        runtime('Memory', 'Resident memory, summed over the processes of a replica.', 'bytes', {
          expr: `sum by (instance) (${foreign('process_resident_memory_bytes')})`,
          legend: '{{instance}}',
        }),
        runtime('Heap', 'Heap in use.', 'bytes', {
          expr: `sum by (instance) (${foreign('nodejs_heap_size_used_bytes')})`,
          legend: '{{instance}}',
        }),
        runtime('Garbage collection', 'Fraction of time, by kind.', 'percentunit', {
          expr: `sum by (kind) (rate(${foreign('nodejs_gc_duration_seconds_sum')}[$__rate_interval]))`,
          legend: '{{kind}}',
        }),
        runtime('Open files', 'File descriptors, including sockets.', 'short', {
          expr: `sum by (instance) (${foreign('process_open_fds')})`,
          legend: '{{instance}}',
        }),
        runtime('Missing processes', 'Configured processes that did not respond.', 'short', {
          expr: `sum by (instance) (${picked('lockstep_processes')}) - sum by (instance) (${picked('lockstep_processes_in_page')})`,
          legend: '{{instance}}',
        }),
        runtime('Process exits', 'Unexpected exits of worker processes.', 'ops', {
          expr: rate('lockstep_process_exits_total', ['instance']),
          legend: '{{instance}}',
        }),
      ],
    },
    {
      title: 'Live audit',
      charts: [
        {
          kind: 'lines',
          title: 'Audit of recent keys, duration p99',
          description: 'The longest that one audit can compete with requests.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.99, 'lockstep_audit_duration_seconds', ['instance']),
              legend: '{{instance}}',
            },
          ],
          limit: limits.auditP99Seconds,
        },
        {
          kind: 'lines',
          title: 'Sweep slice, duration p99',
          description: 'No slice may hold a snapshot for longer than 1 s.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.99, 'lockstep_audit_sweep_slice_duration_seconds', ['instance']),
              legend: '{{instance}}',
            },
          ],
          limit: 1,
          mayBeEmpty: 'no slice was due: on a small table a lap is one slice per minute',
        },
        {
          kind: 'lines',
          title: 'Keys audited and waiting',
          description: 'Waiting keys are audited next; skipped keys are left to the sweep.',
          unit: 'short',
          queries: [
            {
              expr: rate('lockstep_audit_keys_total', ['scenario']),
              legend: 'audited/s · {{scenario}}',
            },
            {
              expr: rate('lockstep_audit_sweep_keys_total', ['scenario']),
              legend: 'swept/s · {{scenario}}',
            },
            {
              expr: rate('lockstep_audit_keys_skipped_total', ['scenario']),
              legend: 'skipped/s · {{scenario}}',
            },
            { expr: `sum(${picked('lockstep_audit_backlog_keys')})`, legend: 'waiting' },
            {
              expr: `sum(rate(${picked('lockstep_audit_failures_total')}[$__rate_interval]))`,
              legend: 'failures/s',
            },
          ],
        },
        {
          kind: 'number',
          title: 'Sweep laps',
          description: 'Completed laps over all keys of a scenario, since the replicas started.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (scenario) (${picked('lockstep_audit_sweep_laps_total')})`,
              legend: '{{scenario}}',
            },
          ],
          columns: 12,
        },
        {
          kind: 'table',
          title: 'Running versions',
          description: 'Version, Node.js version and strategy of each replica.',
          unit: 'none',
          queries: [
            {
              expr: `max by (job, instance, version, node, strategy) (${picked('lockstep_build_info')})`,
              legend: '',
            },
          ],
          columns: 12,
        },
      ],
    },
  ],
};
