/** `lockstep report <result>…`: one page for a comparison, load runs and floors. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { isStrategyPath, loadRegistry } from '../../src/engine/registry.ts';
import { summarize } from '../compare/summary.ts';
import { parsed, strategyList, UsageError } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { checkWritable } from '../lab/files.ts';
import { type BenchSummary, summarizeBench } from '../load/summary.ts';
import { readResult } from '../report/read.ts';
import { type Parts, wholeReport } from '../report/whole.ts';
import type { CliCommand } from './command.ts';

interface Options {
  readonly out: string;
  readonly strategy?: readonly string[];
}

function form(): Command {
  return new Command('lockstep report')
    .description('Combines results of compare, load and floors into one report.')
    .argument('<result...>', 'result folders: one of compare, one of floors, any number of load')
    .option('--strategy <list>', 'files of your own strategies that were measured', strategyList)
    .option('--out <folder>', 'folder for the report', 'results/report')
    .addHelpText('after', '\nExample: npm run report -- results/2026-* results/floors-*');
}

export const command: CliCommand = {
  form,
  async run({ argv, write }) {
    const read = form();
    const { out, strategy = [] } = parsed<Options>(read, argv);
    await checkWritable(out);
    const parts = await partsOf(read.args, strategy.filter(isStrategyPath));
    await mkdir(out, { recursive: true });
    for (const [name, text] of Object.entries(wholeReport(parts)))
      await writeFile(join(out, name), text);
    write(`${join(out, 'report.html')}\n`);
    return exitCodes.asClaimed;
  },
};

const nameOf = { run: 'compare', floors: 'floors' } as const;

async function partsOf(paths: readonly string[], files: readonly string[]): Promise<Parts> {
  const registry = await loadRegistry(files);
  const parts: { -readonly [Name in keyof Parts]: Parts[Name] } = {};
  const benches: BenchSummary[] = [];
  for (const path of paths) {
    const result = await readResult(path);
    if (result.kind === 'bench') benches.push(summarizeBench(result.bench, registry));
    else if (parts[result.kind])
      throw new UsageError(`${path} is a second result of ${nameOf[result.kind]}; give only one`);
    else if (result.kind === 'run') parts.run = summarize(result.run);
    else parts.floors = result.floors;
  }
  return { ...parts, ...(benches.length > 0 && { benches }) };
}
