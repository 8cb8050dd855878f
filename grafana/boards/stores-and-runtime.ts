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
  mayBeEmpty: `answered by the ${who} exporter, which is not there in every place`,
});

const postgres: readonly Chart[] = [
  fromExporter('Postgres', {
    title: 'Postgres: locks',
    description: 'Held and awaited, by mode.',
    unit: 'short',
    queries: [{ expr: 'sum by (mode) (pg_locks_count) > 0', legend: '{{mode}}' }],
  }),
  fromExporter('Postgres', {
    title: 'Postgres: what sessions do',
    description: '`idle in transaction` holds locks and does nothing: look for a caller that died.',
    unit: 'short',
    queries: [{ expr: 'sum by (state) (pg_stat_activity_count) > 0', legend: '{{state}}' }],
  }),
  fromExporter('Postgres', {
    title: 'Postgres: longest transaction',
    description: 'By state. A long one keeps its locks, and vacuum from its work.',
    unit: 's',
    queries: [{ expr: 'max by (state) (pg_stat_activity_max_tx_duration)', legend: '{{state}}' }],
  }),
  fromExporter('Postgres', {
    title: 'Postgres: connections',
    description: 'Share of max_connections in use.',
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
    description: 'Per second. Optimistic strategies roll back what they try again.',
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
    description: 'Anything but 0 may be a lock that was held: set maxmemory-policy to noeviction.',
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

/** Connections, stores and Node below the strategies. */
export const storesAndRuntime: Board = {
  uid: 'lockstep-stores',
  title: 'Lockstep / Stores and runtime',
  description: 'Connections, stores and Node below the strategies.',
  choices,
  marks: changes,
  sections: [
    {
      title: 'Pools of the service',
      charts: [
        {
          kind: 'lines',
          title: 'Pool in use',
          description: 'Share of the connections that a pool may open and that are busy.',
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
          description: 'Callers that found every connection busy.',
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
          description: 'Of committed attempts.',
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
      title: 'Node',
      charts: [
        runtime('Event loop lag p99', 'The mean over the processes of a replica.', 's', {
          expr: `max by (instance) (${foreign('nodejs_eventloop_lag_p99_seconds')})`,
          legend: '{{instance}}',
        }),
        runtime('Event loop lag, longest', 'Of the process that was latest.', 's', {
          expr: `max by (instance) (${foreign('nodejs_eventloop_lag_max_seconds')})`,
          legend: '{{instance}}',
        }),
        runtime('Processor', 'Cores in use, all processes of a replica together.', 'short', {
          expr: `sum by (instance) (rate(${foreign('process_cpu_seconds_total')}[$__rate_interval]))`,
          legend: '{{instance}}',
        }),
        runtime('Memory', 'Resident, all processes of a replica together.', 'bytes', {
          expr: `sum by (instance) (${foreign('process_resident_memory_bytes')})`,
          legend: '{{instance}}',
        }),
        runtime('Heap', 'In use.', 'bytes', {
          expr: `sum by (instance) (${foreign('nodejs_heap_size_used_bytes')})`,
          legend: '{{instance}}',
        }),
        runtime('Garbage collection', 'Share of the time, by kind.', 'percentunit', {
          expr: `sum by (kind) (rate(${foreign('nodejs_gc_duration_seconds_sum')}[$__rate_interval]))`,
          legend: '{{kind}}',
        }),
        runtime('Open files', 'File descriptors, sockets among them.', 'short', {
          expr: `sum by (instance) (${foreign('process_open_fds')})`,
          legend: '{{instance}}',
        }),
        runtime('Processes missing', 'That should be there and did not answer.', 'short', {
          expr: `sum by (instance) (${picked('lockstep_processes')}) - sum by (instance) (${picked('lockstep_processes_in_page')})`,
          legend: '{{instance}}',
        }),
        runtime('Processes that ended', 'Without being asked to.', 'ops', {
          expr: rate('lockstep_process_exits_total', ['instance']),
          legend: '{{instance}}',
        }),
      ],
    },
    {
      title: 'The auditor itself',
      charts: [
        {
          kind: 'lines',
          title: 'One audit of recent keys p99',
          description: 'At most this much is taken from those who are being served.',
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
          title: 'One slice of the sweep p99',
          description: 'No statement of it may hold a snapshot for longer than 1 s.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.99, 'lockstep_audit_sweep_slice_duration_seconds', ['instance']),
              legend: '{{instance}}',
            },
          ],
          limit: 1,
          mayBeEmpty: 'no slice was due: a lap over a small table is one slice a minute',
        },
        {
          kind: 'lines',
          title: 'Keys judged and keys waiting',
          description: 'What waits is judged next; what is skipped is met by the sweep.',
          unit: 'short',
          queries: [
            {
              expr: rate('lockstep_audit_keys_total', ['scenario']),
              legend: 'judged/s · {{scenario}}',
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
          title: 'Laps of the sweep',
          description:
            'Times that every key of a scenario has been judged, since the replicas started.',
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
          title: 'What runs',
          description: 'Version, Node and the strategy in service of each replica.',
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
