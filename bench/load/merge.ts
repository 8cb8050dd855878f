/** Merges load runs into one report: costs and each sweep are separate runs. Pure. */
import { UsageError } from '../lab/command-line.ts';
import type { BenchSummary } from './summary.ts';

/** All rows, in the order of the runs. Throws `UsageError` if two runs have the same cell. */
export function mergedLoads(benches: readonly BenchSummary[]): BenchSummary | undefined {
  const [first] = benches;
  if (!first) return undefined;
  const rows = benches.flatMap(bench => bench.rows);
  const names = rows.map(row => row.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new UsageError(`two load runs have the cell ${twice}; give only one of them`);
  const refusals = new Map(
    benches.flatMap(({ plan }) => plan.notOffered.map(one => [one.cell, one] as const)),
  );
  return {
    plan: { ...first.plan, notOffered: [...refusals.values()] },
    rows,
    missing: benches.flatMap(bench => bench.missing),
  };
}
