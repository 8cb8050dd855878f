/** Compares two load runs. Pure. */
import { figure, percent } from '../page/format.ts';
import { numbers, type Report, type Row, type Section, words } from '../page/report.ts';
import { estimate } from './content.ts';
import { differs } from './estimate.ts';
import type { BenchSummary, CellRow, FigureName } from './summary.ts';

const shown: readonly FigureName[] = [
  'goodputPerSecond',
  'serviceMs',
  'acceptedP50Ms',
  'acceptedP99Ms',
  'attemptsPerAccepted',
  'statementsPerAccepted',
  'redisPerAccepted',
  'walPerAccepted',
];

/** The figures of the cells in both runs. A difference within the intervals is marked as noise. */
export function runsCompared(before: BenchSummary, after: BenchSummary): Report {
  const pairs = before.rows.flatMap(row => {
    const other = after.rows.find(one => one.name === row.name);
    return other ? [[row, other] as const] : [];
  });
  const only = (some: BenchSummary, others: BenchSummary): string[] =>
    some.rows.map(row => row.name).filter(name => others.rows.every(row => row.name !== name));
  return {
    title: `${before.plan.startedAt} and ${after.plan.startedAt}`,
    warnings: warningsOf(before, after),
    sections: [
      {
        title: 'In both runs',
        blocks: [
          {
            kind: 'table',
            caption: 'In both runs',
            columns: [
              ...words('cell', 'figure'),
              ...numbers('before', 'after'),
              ...words('difference'),
            ],
            rows: pairs.flatMap(([a, b]) => shown.flatMap(name => rowOf(a, b, name) ?? [])),
          },
        ],
      },
      ...listed('Only in the first run', only(before, after)),
      ...listed('Only in the second run', only(after, before)),
    ],
  };
}

function rowOf(a: CellRow, b: CellRow, name: FigureName): Row | undefined {
  const [was, is] = [a.figures[name], b.figures[name]];
  if (!was || !is || was.mean === 0) return undefined;
  const share = is.mean / was.mean - 1;
  const change = `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;
  const told = differs(was, is) ? { text: change, strong: true } : `${change} (noise)`;
  return { cells: [a.name, name, estimate(was), estimate(is), told] };
}

/** Warns about different machines or versions: then the figures do not compare the code. */
function warningsOf(before: BenchSummary, after: BenchSummary): string[] {
  const [a, b] = [before.plan.conditions, after.plan.conditions];
  if (!a || !b) return ['The conditions of a remote service are unknown.'];
  const facts = [
    ['machine', a.machine.processor, b.machine.processor],
    ['cores', figure(a.machine.cores), figure(b.machine.cores)],
    ['Node', a.node, b.node],
    ['Postgres', a.postgres.version, b.postgres.version],
    ['Redis', a.redis.version, b.redis.version],
    ['rate', String(before.plan.workload.ratePerSecond), String(after.plan.workload.ratePerSecond)],
  ];
  const unlike = facts.filter(([, was, is]) => was !== is);
  return unlike.map(([name, was, is]) => `Different conditions: ${name} ${was} and ${is}.`);
}

function listed(title: string, names: readonly string[]): readonly Section[] {
  return names.length > 0 ? [{ title, blocks: [{ kind: 'list', items: names }] }] : [];
}
