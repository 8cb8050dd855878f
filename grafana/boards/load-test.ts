import { outcomeKinds } from '../../src/contract/index.ts';
import { type Board, type Chart, changes, choices } from '../board.ts';
import { quantile, rate } from '../promql.ts';

const notRun = 'k6 writes its metrics only while it runs with -o experimental-prometheus-rw';

const fromK6 = (chart: Omit<Chart, 'kind' | 'mayBeEmpty'>): Chart => ({
  ...chart,
  kind: 'lines',
  source: 'k6',
  mayBeEmpty: notRun,
});

const trend = (stat: 'p95' | 'p99'): Chart =>
  fromK6({
    title: `k6: request duration ${stat}`,
    description: `As callers saw it. Needs K6_PROMETHEUS_RW_TREND_STATS with ${stat.replace('p', 'p(')}).`,
    unit: 's',
    queries: [{ expr: `max by (kind) (k6_http_req_duration_${stat})`, legend: '{{kind}}' }],
  });

/** What the load generator saw beside what the service counted. */
export const loadTest: Board = {
  uid: 'lockstep-load',
  title: 'Lockstep / Load test',
  description: 'What the load generator saw beside what the service counted.',
  choices,
  marks: changes,
  sections: [
    {
      title: 'As callers saw it',
      charts: [
        fromK6({
          title: 'k6: requests',
          description: 'Requests per second: commands, what prepares them, what audits them.',
          unit: 'ops',
          queries: [
            {
              expr: 'sum by (kind) (rate(k6_http_reqs_total[$__rate_interval]))',
              legend: '{{kind}}',
            },
          ],
        }),
        fromK6({
          title: 'k6: what callers were told',
          description: 'Commands per second by the answer; without the warm-up.',
          unit: 'ops',
          queries: [...outcomeKinds, 'wrong_answers'].map(told => ({
            expr: `sum(rate(k6_${told}_total[$__rate_interval])) or vector(0)`,
            legend: told,
          })),
        }),
        trend('p95'),
        trend('p99'),
        fromK6({
          title: 'k6: failed requests',
          description: 'Share of the requests that k6 counts as failed.',
          unit: 'percentunit',
          queries: [{ expr: 'avg by (kind) (k6_http_req_failed_rate)', legend: '{{kind}}' }],
        }),
        fromK6({
          title: 'k6: virtual users',
          description: 'How many callers there are, and how many of them are at work.',
          unit: 'short',
          queries: [
            { expr: 'sum(k6_vus_max)', legend: 'there' },
            { expr: 'sum(k6_vus)', legend: 'at work' },
          ],
        }),
        fromK6({
          title: 'k6: dropped iterations',
          description:
            'Offered and not started, for want of virtual users: while this is above 0 the offered rate was not reached.',
          unit: 'ops',
          queries: [
            {
              expr: 'sum(rate(k6_dropped_iterations_total[$__rate_interval])) or vector(0)',
              legend: 'dropped',
            },
          ],
        }),
        fromK6({
          title: 'k6: violations',
          description:
            'What the audit said when the load was over: rows beside what callers were told.',
          unit: 'short',
          queries: ['duplicates', 'lost_updates', 'lost_acknowledgements', 'false_refusals'].map(
            kind => ({ expr: `sum(k6_${kind}_total)`, legend: kind.replace('_', ' ') }),
          ),
          limit: 1,
        }),
      ],
    },
    {
      title: 'As the service counted it',
      charts: [
        {
          kind: 'lines',
          title: 'Commands by outcome',
          description: 'To be held against what k6 sent: the sums are the same.',
          unit: 'ops',
          queries: [
            {
              expr: rate('lockstep_commands_total', ['outcome']),
              legend: '{{outcome}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Service: duration p95 and p99',
          description:
            'Inside the service. What k6 sees beyond it is the network, the queue at the port and k6 itself.',
          unit: 's',
          queries: [0.95, 0.99].map(share => ({
            expr: quantile(share, 'lockstep_command_duration_seconds', ['strategy']),
            legend: `{{strategy}} · p${100 * share}`,
          })),
        },
        {
          kind: 'lines',
          title: 'Violations found',
          description: 'Per second, by the live audit.',
          unit: 'ops',
          queries: [
            {
              expr: rate('lockstep_violations_total', ['strategy', 'kind']),
              legend: '{{strategy}} · {{kind}}',
            },
          ],
        },
      ],
    },
  ],
};
