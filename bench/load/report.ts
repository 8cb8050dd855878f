/** The report of load runs. Pure. */

import { figure } from '../page/format.ts';
import type { Fact, Report, Section } from '../page/report.ts';
import { sectionsOf } from './content.ts';
import { firstLines } from './first-lines.ts';
import { limitsOfNumbers } from './limits.ts';
import { mergedLoads } from './merge.ts';
import type { BenchSummary } from './summary.ts';

/** The whole report of one run. */
export function loadReport(summary: BenchSummary): Report {
  const [answer = '', ...lines] = firstLines(summary);
  return {
    title: 'What each lock costs under load',
    answer,
    lines,
    warnings: loadWarnings([summary]),
    sections: loadSections([summary]),
  };
}

/** The cells that are missing, if any. */
export function loadWarnings(benches: readonly BenchSummary[]): readonly string[] {
  const missing = benches.flatMap(bench => bench.missing);
  return missing.length === 0
    ? []
    : [`Incomplete: ${missing.length} cells of the load were not measured.`];
}

/**
 * The figures of all runs together, then the conditions of each, then the limits. Throws `UsageError` if
 * two runs have the same cell.
 */
export function loadSections(benches: readonly BenchSummary[]): readonly Section[] {
  const bench = mergedLoads(benches);
  if (!bench) return [];
  return [
    ...sectionsOf(bench),
    {
      title: 'Conditions of the load',
      blocks: benches.map(one => ({ kind: 'facts', facts: benchFacts(one) })),
    },
    {
      title: 'Limits of the load',
      blocks: [{ kind: 'list', items: limitsOfNumbers(k6CoresIn(bench)) }],
    },
  ];
}

/** From the least to the most of any cell. */
function k6CoresIn({ rows }: BenchSummary): string {
  const cores = rows.flatMap(row => row.figures.k6Cores?.mean ?? []);
  if (cores.length === 0) return 'a part of the processor that was not measured';
  const [least, most] = [figure(Math.min(...cores)), figure(Math.max(...cores))];
  return `${least === most ? least : `${least} to ${most}`} cores`;
}

function benchFacts({ plan }: BenchSummary): readonly Fact[] {
  const { conditions, workload } = plan;
  return [
    ['started', plan.startedAt],
    ['command', plan.command],
    ['repetitions', String(plan.repetitions)],
    ['k6', plan.k6],
    [
      'load',
      `${workload.ratePerSecond}/s is “average”; warm-up ${workload.warmUpSeconds} s, not counted`,
    ],
    ...(plan.remote === null ? [] : [['service', plan.remote] as const]),
    ...(conditions
      ? ([
          ['commit', `${conditions.commit}${conditions.changed ? ', with changes' : ''}`],
          ['machine', `${conditions.machine.cores} × ${conditions.machine.processor}`],
          ['Node', conditions.node],
          ['Postgres', `${conditions.postgres.version}, ${settings(conditions.postgres.settings)}`],
          ['Redis', conditions.redis.version],
        ] as const)
      : []),
  ];
}

function settings(of: Readonly<Record<string, string>>): string {
  return Object.entries(of)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
