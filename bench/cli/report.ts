/** `lockstep report <result>…`: one page for a comparison, load runs and floors. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { isStrategyPath, loadRegistry } from '../../src/engine/registry.ts';
import { summarize } from '../compare/summary.ts';
import { commandOf, option, readTable, UsageError } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { checkWritable } from '../lab/files.ts';
import { strategyList } from '../lab/option-values.ts';
import { type BenchSummary, summarizeBench } from '../load/summary.ts';
import { readResult } from '../report/read.ts';
import { type Parts, wholeReport } from '../report/whole.ts';
import type { CliCommand } from './command.ts';

const table = {
  strategies: option<readonly string[]>({
    flags: '--strategy <list>',
    text: 'files of your own strategies that were measured',
    read: strategyList,
    fallback: [],
    silent: true,
  }),
  out: option<string>({
    flags: '--out <folder>',
    text: 'folder for the report',
    fallback: 'results/report',
  }),
};

function form(): Command {
  return commandOf('report', 'Combines results of compare, load and floors into one report.', table)
    .argument('<result...>', 'result folders: one of compare, one of floors, any number of load')
    .addHelpText('after', '\nExample: npm run report -- results/2026-* results/floors-*');
}

export const command: CliCommand = {
  form,
  async run({ argv, write }) {
    const read = form();
    const { out, strategies } = readTable(read, table, argv);
    await checkWritable(out);
    const parts = await partsOf(read.args, strategies.filter(isStrategyPath));
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
