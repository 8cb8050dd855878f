#!/usr/bin/env node
/** `npm run bench:compare-runs -- <folder> <folder>`: two benches, cell by cell. */
import { loadRegistry } from '../../src/engine/registry.ts';
import { UnreadableRun } from '../lab/files.ts';
import { readBench } from '../load/files.ts';
import { summarizeBench } from '../load/summary.ts';
import { runsCompared } from '../load/two-runs.ts';

const usage = `Usage: npm run bench:compare-runs -- <folder> <folder>
Prints each figure of the cells that both runs have, and what of the difference is noise.
`;

const usageCode = 2;

async function main([before, after]: readonly string[]): Promise<number> {
  if (before === undefined || after === undefined) {
    process.stderr.write(usage);
    return usageCode;
  }
  const registry = await loadRegistry([]);
  const [a, b] = await Promise.all([readBench(before), readBench(after)]);
  process.stdout.write(runsCompared(summarizeBench(a, registry), summarizeBench(b, registry)));
  return 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof UnreadableRun)) throw error;
  process.stderr.write(`${error.message}\n`);
  return usageCode;
});
