#!/usr/bin/env node
/** `npm run report -- <result>…`: one page of a comparison, a bench and floors. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { isStrategyPath, loadRegistry, RegistryError } from '../../src/engine/registry.ts';
import { summarize } from '../compare/summary.ts';
import { HelpAsked, parsed, strategyList, UsageError } from '../lab/command-line.ts';
import { UnreadableRun } from '../lab/files.ts';
import { type BenchSummary, summarizeBench } from '../load/summary.ts';
import { readResult } from '../report/read.ts';
import { type Parts, wholeReport } from '../report/whole.ts';

const usageCode = 2;

interface Options {
  readonly out: string;
  readonly strategy?: readonly string[];
}

async function main(argv: readonly string[]): Promise<number> {
  const command = new Command('npm run report --')
    .description('Writes one report of what compare, bench and bench:floors have measured.')
    .argument('<result...>', 'folders of results: one compare, one floors, benches')
    .option(
      '--strategy <list>',
      'files of strategies from outside that were measured',
      strategyList,
    )
    .option('--out <folder>', 'where the report is written', 'results/report')
    .addHelpText('after', '\nExample: npm run report -- results/2026-* results/floors-*');
  const { out, strategy = [] } = parsed<Options>(command, argv);
  const parts = await partsOf(command.args, strategy.filter(isStrategyPath));
  await mkdir(out, { recursive: true });
  for (const [name, text] of Object.entries(wholeReport(parts)))
    await writeFile(join(out, name), text);
  process.stdout.write(`${join(out, 'report.html')}\n`);
  return 0;
}

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

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof HelpAsked) {
    process.stdout.write(error.text);
    return 0;
  }
  const asked = [UnreadableRun, UsageError, RegistryError];
  if (!(error instanceof Error) || !asked.some(kind => error instanceof kind)) throw error;
  process.stderr.write(`${error.message}\nSee: npm run report -- --help\n`);
  return usageCode;
});
