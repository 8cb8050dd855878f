import { limits } from '../../src/telemetry/limits.ts';
import { type Board, type Chart, changes, choices, evidence } from '../board.ts';
import { countInRange, picked, quantile, rate, ratio } from '../promql.ts';

const by = ['scenario', 'strategy'] as const;
const line = '{{scenario}} · {{strategy}}';
const name = 'lockstep_command_duration_seconds';

const latency = (share: number): Chart => ({
  kind: 'lines',
  title: `Latency p${100 * share}`,
  description:
    'From the arrival of a command to its outcome, including all attempts; accepted and refused commands only.',
  unit: 's',
  queries: [{ expr: quantile(share, name, by, ['outcome=~"accepted|refused"']), legend: line }],
  limit: limits.commandP99Seconds,
});

/** Is anything wrong, and how is each strategy doing? */
export const overview: Board = {
  uid: 'lockstep-overview',
  title: 'Lockstep / Overview',
  description: 'Is anything wrong, and how is each strategy doing?',
  choices,
  marks: changes,
  sections: [
    {
      title: 'Safety',
      charts: [
        {
          kind: 'number',
          title: 'Duplicates and lost updates',
          description:
            'Violations found by the live audit since each replica started, each counted once across all processes. Anything but 0 means that a lock failed.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (instance, scenario, strategy) (${picked('lockstep_violations_total', ['kind=~"duplicate|lost update"'])})`,
              legend: line,
            },
          ],
          limit: 1,
          columns: 12,
          evidence,
        },
        {
          kind: 'lines',
          title: 'Violations found',
          description:
            'Findings of the audit of recent keys and of the sweep, by kind. `mixed`: several strategies decided the key, in one process or in several; `unknown`: found by the sweep.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (scenario, strategy, kind) (${picked('lockstep_violations_total')}) > 0`,
              legend: `${line} · {{kind}}`,
            },
          ],
          columns: 12,
          mayBeEmpty: 'nothing was found, as it should be',
          evidence,
        },
        {
          kind: 'number',
          title: 'Time since the last audit',
          description:
            'Of recent keys, for the process where it is oldest. If the auditor has stopped, no findings does not mean safe.',
          unit: 's',
          queries: [
            {
              expr: `time() - min by (instance) (${picked('lockstep_audit_last_success_timestamp_seconds')})`,
              legend: '{{instance}}',
            },
          ],
          limit: limits.auditSilentSeconds,
        },
        {
          kind: 'number',
          title: 'Time since the last lap of the sweep',
          description: 'Time since the last audit of every key of the scenario.',
          unit: 's',
          queries: [
            {
              expr: `time() - max by (scenario) (${picked('lockstep_audit_sweep_last_lap_timestamp_seconds')})`,
              legend: '{{scenario}}',
            },
          ],
          limit: limits.lapSilentSeconds,
        },
        {
          kind: 'lines',
          title: 'Refused despite capacity',
          description:
            'Fraction of sampled refusals whose key had capacity at a recheck: a hint, not proof.',
          unit: 'percentunit',
          queries: [
            {
              expr: ratio(
                rate('lockstep_refused_with_capacity_total', by),
                rate('lockstep_refusals_sampled_total', by),
              ),
              legend: line,
            },
          ],
          mayBeEmpty: 'nobody was refused for lack of capacity',
        },
      ],
    },
    {
      title: 'What callers get',
      charts: [
        {
          kind: 'lines',
          title: 'Goodput',
          description: 'Accepted commands per second.',
          unit: 'ops',
          queries: [
            { expr: rate('lockstep_commands_total', by, ['outcome="accepted"']), legend: line },
          ],
        },
        {
          kind: 'lines',
          title: 'Outcomes',
          description:
            'Commands per second by outcome. `busy` did not get the lock in time, `unknown` may have taken effect.',
          unit: 'ops',
          queries: [
            {
              expr: rate('lockstep_commands_total', ['strategy', 'outcome']),
              legend: '{{strategy}} · {{outcome}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Attempts per accepted',
          description:
            'Attempts of all commands, including refused and busy ones, per accepted command.',
          unit: 'none',
          queries: [
            {
              expr: ratio(
                rate('lockstep_attempts_total', by),
                rate('lockstep_commands_total', by, ['outcome="accepted"']),
              ),
              legend: line,
            },
          ],
          limit: limits.attemptsPerAccepted,
          mayBeEmpty: 'nothing is being accepted',
        },
        latency(0.5),
        latency(0.95),
        latency(0.99),
        {
          kind: 'table',
          title: 'Commands in the selected time range',
          description: 'Commands by strategy and outcome.',
          unit: 'short',
          queries: [
            {
              expr: countInRange('lockstep_commands_total', ['scenario', 'strategy', 'outcome']),
              legend: '',
            },
          ],
          columns: 24,
        },
      ],
    },
  ],
};
