/** `lockstep report <result>…`: one page of a comparison, of loads and of floors. */
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
    .description('Writes one report of what compare, load and floors have measured.')
    .argument('<result...>', 'folders of results: one compare, one floors, loads')
    .option(
      '--strategy <list>',
      'files of strategies from outside that were measured',
      strategyList,
    )
    .option('--out <folder>', 'where the report is written', 'results/report')
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

async function partsOf(paths: readonly string[], files: readonly string[]): Promise<Parts> {
  const registry = await loadRegistry(files);
  const parts: { -readonly [Name in keyof Parts]: Parts[Name] } = {};
  const benches: BenchSummary[] = [];
  for (const path of paths) {
    const result = await readResult(path);
    if (result.kind === 'bench') benches.push(summarizeBench(result.bench, registry));
    else if (parts[result.kind])
      throw new UsageError(`${path} is a second ${result.kind}: name one of them`);
    else if (result.kind === 'run') parts.run = summarize(result.run);
    else parts.floors = result.floors;
  }
  return { ...parts, ...(benches.length > 0 && { benches }) };
}
