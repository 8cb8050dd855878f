import { limits } from '../../src/telemetry/limits.ts';
import {
  type Board,
  type Chart,
  type Choice,
  changes,
  choices,
  evidence,
  type Mark,
} from '../board.ts';
import { picked, quantile, rate, ratio } from '../promql.ts';

const strategies = 'label_values(lockstep_commands_total{job=~"$job"}, strategy)';
const sides = ['old', 'new'] as const;
type Side = (typeof sides)[number];

const of = (side: Side): string => `strategy="$${side}"`;
const both = 'strategy=~"$old|$new"';

const pair = (make: (side: Side) => Chart): readonly Chart[] =>
  sides.map(side => ({ ...make(side), columns: 12 }));

const choice = (name: Side): Choice => ({ name, label: name, query: strategies, many: false });

/** 2: violations found. 1: none, with enough accepted commands to be meaningful. 0: too few. */
const verdict = [
  `2 * (sum by (scenario, strategy) (${picked('lockstep_violations_total', ['strategy=~"$old|$new|mixed"', 'kind=~"duplicate|lost update|inconsistent"'])}) > bool 0) > 0`,
  `(sum by (scenario, strategy) (increase(${picked('lockstep_commands_total', [both, 'outcome="accepted"'])}[$__range])) >= bool ${limits.verdictAccepted})`,
].join(' or ');

/** Each change of a rollout, on every chart. */
const steps: readonly Mark[] = [
  {
    name: 'Weight of the rollout',
    expr: 'max by (scenario, variant) (lockstep_rollout_weight{job=~"$job"}) != max by (scenario, variant) (lockstep_rollout_weight{job=~"$job"} offset 30s)',
    text: '{{scenario}}/{{variant}}: another weight',
    color: 'green',
  },
  {
    name: 'Stage of the rollout',
    expr: 'max by (scenario, variant, stage) (lockstep_rollout_stage{job=~"$job"}) == 1 unless max by (scenario, variant, stage) (lockstep_rollout_stage{job=~"$job"} offset 30s) == 1',
    text: '{{scenario}}/{{variant}} is {{stage}}',
    color: 'blue',
  },
  {
    name: 'Gate failed',
    expr: 'max by (scenario, variant) (lockstep_rollout_verdict{job=~"$job", verdict="Failed"}) == 1 unless max by (scenario, variant) (lockstep_rollout_verdict{job=~"$job", verdict="Failed"} offset 30s) == 1',
    text: '{{scenario}}/{{variant}}: the gate has failed',
    color: 'red',
  },
];

const perPlace = 'scenario, variant';
const noRollout = 'no rollout has ever been started';
const place = '{{scenario}}/{{variant}}';

/** What the database says of the newest rollout of each variant; all processes tell the same. */
const state: readonly Chart[] = [
  {
    kind: 'number',
    title: 'Stage',
    description: 'Of the newest rollout of each variant.',
    unit: 'none',
    queries: [
      {
        expr: `max by (${perPlace}, stage) (${picked('lockstep_rollout_stage')}) == 1`,
        legend: `${place}: {{stage}}`,
      },
    ],
    words: { '1': { text: 'now', color: 'blue' } },
    mayBeEmpty: noRollout,
  },
  {
    kind: 'number',
    title: 'Gate',
    description: 'What the gate says: GET /rollouts/SCENARIO/verdict tells why.',
    unit: 'none',
    queries: [
      {
        expr: `max by (${perPlace}) (${picked('lockstep_rollout_verdict', ['verdict="Successful"'])}) + 2 * max by (${perPlace}) (${picked('lockstep_rollout_verdict', ['verdict="Failed"'])})`,
        legend: place,
      },
    ],
    words: {
      '0': { text: 'Inconclusive', color: 'orange' },
      '1': { text: 'Successful', color: 'green' },
      '2': { text: 'Failed', color: 'red' },
    },
    mayBeEmpty: noRollout,
  },
  {
    kind: 'lines',
    title: 'Share of the keys',
    description:
      'How many of the 100 groups of keys are to be under the new strategy, or try its lock.',
    unit: 'short',
    queries: [
      { expr: `max by (${perPlace}) (${picked('lockstep_rollout_weight')})`, legend: place },
      {
        expr: `max by (${perPlace}) (${picked('lockstep_rollout_shadow')})`,
        legend: `${place}, tried`,
      },
    ],
    mayBeEmpty: noRollout,
  },
  {
    kind: 'lines',
    title: 'Contested keys',
    description:
      'On which two commands overlapped: seen, audited, and audited different ones at most once a second, which the bound goes by.',
    unit: 'short',
    queries: (['contested', 'audited', 'clean'] as const).map(what => ({
      expr: `max by (${perPlace}, arm) (${picked(`lockstep_rollout_${what}_keys`)})`,
      legend: `${place} · {{arm}} · ${what}`,
    })),
    mayBeEmpty: noRollout,
  },
  {
    kind: 'lines',
    title: 'Changes of hands, and what holds them up',
    description:
      'Groups that changed hands; groups that somebody stays inside of; processes that have not heard.',
    unit: 'short',
    queries: [
      {
        expr: `sum by (${perPlace}) (delta(${picked('lockstep_rollout_epoch')}[$__rate_interval]))`,
        legend: `${place}: changed`,
      },
      {
        expr: `max by (${perPlace}) (${picked('lockstep_rollout_blocked_groups')})`,
        legend: `${place}: blocked`,
      },
      {
        expr: `max by (job) (${picked('lockstep_rollout_processes_behind')})`,
        legend: '{{job}}: processes behind',
      },
    ],
    mayBeEmpty: noRollout,
  },
  {
    kind: 'lines',
    title: 'Locks that were only tried',
    description:
      'By what became of it: granted, or why it could not be had. No command was refused for that.',
    unit: 'short',
    queries: [
      {
        expr: `max by (${perPlace}, tried) (${picked('lockstep_rollout_tries')})`,
        legend: `${place} · {{tried}}`,
      },
    ],
    mayBeEmpty: 'no rollout has tried a lock before',
  },
];

/** The current strategy compared with its replacement. */
export const rollout: Board = {
  uid: 'lockstep-rollout',
  title: 'Lockstep / Rollout',
  description: 'The current strategy compared with its replacement.',
  choices: [...choices.filter(({ name }) => name !== 'strategy'), choice('old'), choice('new')],
  marks: [...changes, ...steps],
  sections: [
    { title: 'Rollout', charts: state },
    {
      title: 'Verdict',
      charts: [
        {
          kind: 'number',
          title: 'Verdict',
          description: `Result of the live audit since the replicas started. Fewer than ${limits.verdictAccepted} accepted commands in the selected time range prove nothing. Violations on keys that both served count as mixed.`,
          unit: 'none',
          queries: [{ expr: verdict, legend: '{{scenario}} · {{strategy}}' }],
          columns: 24,
          words: {
            '0': { text: 'inconclusive', color: 'orange' },
            '1': { text: 'held', color: 'green' },
            '2': { text: 'unsafe: stop', color: 'red' },
          },
          evidence,
        },
        {
          kind: 'lines',
          title: 'Traffic share',
          description: 'Of all commands of the selected scenarios.',
          unit: 'percentunit',
          queries: [
            {
              expr: `${rate('lockstep_commands_total', ['strategy'], [both])} / scalar(${rate('lockstep_commands_total', [], ['strategy=~".+"']).replace('sum by ()', 'sum')} > 0)`,
              legend: '{{strategy}}',
            },
          ],
          columns: 12,
        },
        {
          kind: 'lines',
          title: 'Pairs not known to exclude each other',
          description: 'Of strategies that serve on one database now. `/readyz` names them.',
          unit: 'short',
          queries: [
            {
              expr: `max by (job) (${picked('lockstep_fleet_unsafe_pairs')})`,
              legend: '{{job}}',
            },
          ],
          columns: 12,
          limit: 1,
        },
      ],
    },
    {
      title: 'Side by side',
      charts: [
        ...pair(side => ({
          kind: 'number',
          title: `Violations: ${side}`,
          description: `Findings of the live audit for the ${side} strategy since the replicas started.`,
          unit: 'short',
          queries: [
            {
              expr: `sum by (scenario, strategy, kind) (${picked('lockstep_violations_total', [of(side)])})`,
              legend: '{{scenario}} · {{kind}}',
            },
          ],
          limit: 1,
          evidence,
        })),
        ...pair(side => ({
          kind: 'lines',
          title: `Latency: ${side}`,
          description: `p50, p95 and p99 of commands accepted or refused under the ${side} strategy.`,
          unit: 's',
          queries: [0.5, 0.95, 0.99].map(share => ({
            expr: quantile(
              share,
              'lockstep_command_duration_seconds',
              ['scenario'],
              [of(side), 'outcome=~"accepted|refused"'],
            ),
            legend: `{{scenario}} · p${100 * share}`,
          })),
          limit: limits.commandP99Seconds,
        })),
        ...pair(side => ({
          kind: 'lines',
          title: `Busy: ${side}`,
          description: `Fraction of the ${side} strategy's commands that did not get the lock in time.`,
          unit: 'percentunit',
          queries: [
            {
              expr: ratio(
                rate('lockstep_commands_total', ['scenario'], [of(side), 'outcome="busy"']),
                rate('lockstep_commands_total', ['scenario'], [of(side)]),
              ),
              legend: '{{scenario}}',
            },
          ],
          limit: limits.busyRatio,
          mayBeEmpty: 'the strategy gets no traffic',
        })),
        ...pair(side => ({
          kind: 'lines',
          title: `Attempts per accepted: ${side}`,
          description: `Attempts per accepted command under the ${side} strategy.`,
          unit: 'none',
          queries: [
            {
              expr: ratio(
                rate('lockstep_attempts_total', ['scenario'], [of(side)]),
                rate('lockstep_commands_total', ['scenario'], [of(side), 'outcome="accepted"']),
              ),
              legend: '{{scenario}}',
            },
          ],
          limit: limits.attemptsPerAccepted,
          mayBeEmpty: 'nothing is being accepted',
        })),
      ],
    },
  ],
};
