import type { JudgedPair, ScanResult } from '../../src/scan/result.ts';

/** The result for programs; a finding without the parts of the exploration that only the report needs. */
export function scanJson(result: ScanResult): string {
  const { kinds, pairs, ...rest } = result;
  const told = {
    format: 'lockstep scan',
    version: 1,
    ...rest,
    kinds: Object.fromEntries(kinds),
    pairs: pairs.map(pairJson),
  };
  return `${JSON.stringify(told, undefined, 1)}\n`;
}

function pairJson({ finding, ...pair }: JudgedPair): unknown {
  if (finding === undefined) return pair;
  const { kind, anomaly, differences, masked, orders, schedule, callers, exploration } = finding;
  const { outcome, counterexample } = exploration;
  const found = { kind, anomaly, callers, differences, masked, orders, schedule };
  const lines = counterexample?.record.lines;
  return { ...pair, finding: { ...found, outcome, timeline: lines } };
}
