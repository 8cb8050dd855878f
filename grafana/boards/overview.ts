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
    'From the arrival of a command to its outcome, all attempts inside, for what was accepted or refused.',
  unit: 's',
  queries: [{ expr: quantile(share, name, by, ['outcome=~"accepted|refused"']), legend: line }],
  limit: limits.commandP99Seconds,
});

/** Is anything wrong, and how does each strategy do? */
export const overview: Board = {
  uid: 'lockstep-overview',
  title: 'Lockstep / Overview',
  description: 'Is anything wrong, and how does each strategy do?',
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
            'Violations that the live audit has counted since each replica started, each once over all processes. Anything but 0 means that a lock did not hold.',
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
            'What the audit of recent keys and the sweep found, by kind. `mixed`: several strategies accepted on the key; `unknown`: found by the sweep.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (scenario, strategy, kind) (${picked('lockstep_violations_total')}) > 0`,
              legend: `${line} · {{kind}}`,
            },
          ],
          columns: 12,
          mayBeEmpty: 'only what was found is drawn: empty is what it should be',
          evidence,
        },
        {
          kind: 'number',
          title: 'Time since the last audit',
          description:
            'Of recent keys, of the process where it is longest ago. Silence of an auditor that stopped is not safety.',
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
          description: 'Since every key of the scenario has been judged.',
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
          title: 'Refused although there was room',
          description:
            'Share of a sample of refusals whose key had room at a second look: an indicator, no verdict.',
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
          mayBeEmpty: 'nobody was refused for want of room',
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
            'Commands per second by how they ended. `busy` could not get the turn in time, `unknown` may have happened.',
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
          description: 'How much work one accepted command costs, refused and busy ones included.',
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
          title: 'In the time shown',
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
