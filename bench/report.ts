#!/usr/bin/env node
/** `npm run report -- <result>…`: one page of a comparison, a bench and floors. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { loadRegistry } from '../src/engine/registry.ts';
import { summarizeBench } from './cells/summary.ts';
import { HelpAsked, parsed, UsageError } from './command-line.ts';
import { type Parts, wholeReport } from './report/whole.ts';
import { UnreadableRun } from './results/files.ts';
import { readResult } from './results/read.ts';
import { summarize } from './results/summary.ts';

const usageCode = 2;

async function main(argv: readonly string[]): Promise<number> {
  const command = new Command('npm run report --')
    .description('Writes one report of what compare, bench and bench:floors have measured.')
    .argument('<result...>', 'folders of results, at most one of each command')
    .option('--out <folder>', 'where the report is written', 'results/report')
    .addHelpText('after', '\nExample: npm run report -- results/2026-* results/floors-*');
  const { out } = parsed<{ readonly out: string }>(command, argv);
  const parts = await partsOf(command.args);
  await mkdir(out, { recursive: true });
  for (const [name, text] of Object.entries(wholeReport(parts)))
    await writeFile(join(out, name), text);
  process.stdout.write(`${join(out, 'report.html')}\n`);
  return 0;
}

async function partsOf(paths: readonly string[]): Promise<Parts> {
  const registry = await loadRegistry([]);
  const parts: { -readonly [Name in keyof Parts]: Parts[Name] } = {};
  for (const path of paths) {
    const result = await readResult(path);
    if (parts[result.kind])
      throw new UsageError(`${path} is a second ${result.kind}: name one of each command`);
    if (result.kind === 'run') parts.run = summarize(result.run);
    else if (result.kind === 'floors') parts.floors = result.floors;
    else parts.bench = summarizeBench(result.bench, registry);
  }
  return parts;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof HelpAsked) {
    process.stdout.write(error.text);
    return 0;
  }
  if (!(error instanceof UnreadableRun || error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\nSee: npm run report -- --help\n`);
  return usageCode;
});
