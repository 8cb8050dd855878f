import { attemptPhases } from '../../src/engine/observer.ts';
import { limits } from '../../src/telemetry/limits.ts';
import { type Board, type Chart, changes, choices } from '../board.ts';
import { buckets, quantile, rate, ratio } from '../promql.ts';

const line = '{{scenario}} · {{strategy}}';
const by = ['scenario', 'strategy'] as const;

const meanings: Readonly<Record<string, string>> = {
  pool: 'Waiting for a connection. Anything above 1 ms means that the pool is too small.',
  wait: 'From the start of the attempt until the deciding read returned: lock contention.',
  hold: 'From the deciding read to COMMIT: how long the lock was held.',
  commit: 'COMMIT itself: mostly the WAL flush.',
};

const heat = (phase: string): Chart => ({
  kind: 'heatmap',
  title: `Phase: ${phase}`,
  description: meanings[phase] ?? `Time that committed attempts spent in ${phase}.`,
  unit: 's',
  queries: [
    { expr: buckets('lockstep_attempt_phase_seconds', [`phase="${phase}"`]), legend: '{{le}}' },
  ],
  columns: 12,
});

/** Where the time goes, and what goes wrong, under one strategy. */
export const strategyDetail: Board = {
  uid: 'lockstep-strategy',
  title: 'Lockstep / Strategy detail',
  description: 'Where the time goes, and what goes wrong, under one strategy.',
  choices,
  marks: changes,
  sections: [
    { title: 'Where the time goes', charts: attemptPhases.map(heat) },
    {
      title: 'Quantiles',
      charts: [
        {
          kind: 'lines',
          title: 'Wait p99',
          description: 'Lock wait of the slowest 1 % of committed attempts.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.99, 'lockstep_attempt_phase_seconds', by, ['phase="wait"']),
              legend: line,
            },
          ],
          limit: limits.waitP99Seconds,
        },
        {
          kind: 'lines',
          title: 'Hold p99',
          description: 'Lock hold time of the slowest 1 % of committed attempts.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.99, 'lockstep_attempt_phase_seconds', by, ['phase="hold"']),
              legend: line,
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Latency of failed commands',
          description: 'p99 of commands that ended busy, failed or unknown.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.99, 'lockstep_command_duration_seconds', by, ['outcome="other"']),
              legend: line,
            },
          ],
          mayBeEmpty: 'no command has failed',
        },
      ],
    },
    {
      title: 'What goes wrong',
      charts: [
        {
          kind: 'lines',
          title: 'Retries',
          description: 'Attempts per command: 1 means no retries.',
          unit: 'none',
          queries: [
            {
              expr: ratio(rate('lockstep_attempts_total', by), rate('lockstep_commands_total', by)),
              legend: line,
            },
          ],
          mayBeEmpty: 'no command has ended',
        },
        {
          kind: 'lines',
          title: 'Failed attempts by code',
          description: 'By code of the failure table.',
          unit: 'ops',
          queries: [
            {
              expr: `${rate('lockstep_attempt_failures_total', ['strategy', 'code'])} > 0`,
              legend: '{{strategy}} · {{code}}',
            },
          ],
          mayBeEmpty: 'no attempt has failed',
        },
        {
          kind: 'lines',
          title: 'Lost leases',
          description: 'Leases that expired or were taken away before their release.',
          unit: 'ops',
          queries: [{ expr: rate('lockstep_leases_lost_total', by), legend: line }],
        },
        {
          kind: 'lines',
          title: 'Effects without their record',
          description:
            'Sent outside the database by commands that then did not commit. No lock helps here: use an idempotency key or an outbox.',
          unit: 'ops',
          queries: [{ expr: rate('lockstep_effects_without_record_total', by), legend: line }],
        },
        {
          kind: 'lines',
          title: 'Releases',
          description: 'Releases of locks held outside the transaction, by result.',
          unit: 'ops',
          queries: [
            {
              expr: rate('lockstep_lock_releases_total', ['strategy', 'end']),
              legend: '{{strategy}} · {{end}}',
            },
          ],
          columns: 16,
        },
      ],
    },
  ],
};
