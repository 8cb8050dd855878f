import { attemptPhases } from '../../src/engine/observer.ts';
import { limits } from '../../src/telemetry/limits.ts';
import { type Board, type Chart, changes, choices } from '../board.ts';
import { buckets, quantile, rate, ratio } from '../promql.ts';

const line = '{{scenario}} · {{strategy}}';
const by = ['scenario', 'strategy'] as const;

const meanings: Readonly<Record<string, string>> = {
  pool: 'Until a connection was free. Anything above 1 ms means that the pool is too small.',
  wait: 'From the start of the attempt to the answer of the deciding read: the queue at the lock.',
  hold: 'From the deciding read to COMMIT: how long others had to wait for us.',
  commit: 'COMMIT itself: the flush of the WAL, mostly.',
};

const heat = (phase: string): Chart => ({
  kind: 'heatmap',
  title: `Phase: ${phase}`,
  description: meanings[phase] ?? `What committed attempts spent on ${phase}.`,
  unit: 's',
  queries: [
    { expr: buckets('lockstep_attempt_phase_seconds', [`phase="${phase}"`]), legend: '{{le}}' },
  ],
  columns: 12,
});

/** What the time goes on, and what goes wrong, under one strategy. */
export const strategyDetail: Board = {
  uid: 'lockstep-strategy',
  title: 'Lockstep / Strategy detail',
  description: 'What the time goes on, and what goes wrong, under one strategy.',
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
          description: 'How long the slowest hundredth of committed attempts waited for its turn.',
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
          description: 'How long the slowest hundredth kept others waiting.',
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
          title: 'Latency of what was given up',
          description: 'p99 of commands that ended busy, failed or unknown.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.99, 'lockstep_command_duration_seconds', by, ['outcome="other"']),
              legend: line,
            },
          ],
          mayBeEmpty: 'nothing was given up',
        },
      ],
    },
    {
      title: 'What goes wrong',
      charts: [
        {
          kind: 'lines',
          title: 'Retries',
          description: 'Attempts per command: 1 where nobody has to try again.',
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
          description: 'Lock errors and the rest, by the code of the failure table.',
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
          description: 'Turns that ran out or were taken away before they were given back.',
          unit: 'ops',
          queries: [{ expr: rate('lockstep_leases_lost_total', by), legend: line }],
        },
        {
          kind: 'lines',
          title: 'Retries after an effect outside',
          description: 'No lock undoes what was sent: only an idempotency key or an outbox does.',
          unit: 'ops',
          queries: [{ expr: rate('lockstep_retries_after_effect_total', by), legend: line }],
        },
        {
          kind: 'lines',
          title: 'Releases',
          description: 'Turns outside the transaction that were given back, by how that ended.',
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
