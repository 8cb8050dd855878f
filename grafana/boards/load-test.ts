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
    description: `As seen by callers. Needs K6_PROMETHEUS_RW_TREND_STATS with ${stat.replace('p', 'p(')}).`,
    unit: 's',
    queries: [{ expr: `max by (kind) (k6_http_req_duration_${stat})`, legend: '{{kind}}' }],
  });

/** The load generator's view compared with the service's own metrics. */
export const loadTest: Board = {
  uid: 'lockstep-load',
  title: 'Lockstep / Load test',
  description: "The load generator's view compared with the service's own metrics.",
  choices,
  marks: changes,
  sections: [
    {
      title: 'As seen by callers',
      charts: [
        fromK6({
          title: 'k6: requests',
          description: 'Requests per second: setup, commands and audits.',
          unit: 'ops',
          queries: [
            {
              expr: 'sum by (kind) (rate(k6_http_reqs_total[$__rate_interval]))',
              legend: '{{kind}}',
            },
          ],
        }),
        fromK6({
          title: 'k6: outcomes',
          description: 'Commands per second by response, without the warm-up.',
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
          description: 'Fraction of requests that k6 counts as failed.',
          unit: 'percentunit',
          queries: [{ expr: 'avg by (kind) (k6_http_req_failed_rate)', legend: '{{kind}}' }],
        }),
        fromK6({
          title: 'k6: virtual users',
          description: 'Allocated and active virtual users.',
          unit: 'short',
          queries: [
            { expr: 'sum(k6_vus_max)', legend: 'allocated' },
            { expr: 'sum(k6_vus)', legend: 'active' },
          ],
        }),
        fromK6({
          title: 'k6: dropped iterations',
          description:
            'Iterations not started for lack of virtual users: above 0, the offered rate was not reached.',
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
            'Result of the audit after the load: rows compared with what callers were told.',
          unit: 'short',
          queries: ['duplicates', 'lost_updates', 'lost_acknowledgements', 'false_refusals'].map(
            kind => ({ expr: `sum(k6_${kind}_total)`, legend: kind.replace('_', ' ') }),
          ),
          limit: 1,
        }),
      ],
    },
    {
      title: 'As counted by the service',
      charts: [
        {
          kind: 'lines',
          title: 'Commands by outcome',
          description: 'For comparison with what k6 sent: the sums must match.',
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
            'Inside the service. The difference to k6 is the network, the accept queue and k6 itself.',
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
