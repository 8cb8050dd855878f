#!/usr/bin/env node
/** `npm run bench`: what strategies cost under load. Thin: reads, runs, prints, ends with a code. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../../src/config.ts';
import { RegistryError } from '../../src/engine/registry.ts';
import { K6Missing } from '../../src/services/index.ts';
import { HelpAsked, UsageError } from '../lab/command-line.ts';
import { type ExitCode, exitCodes } from '../lab/exit-codes.ts';
import { UnreadableRun } from '../lab/files.ts';
import { sectionsOf } from '../load/content.ts';
import { readBenchOptions } from '../load/options.ts';
import { TargetUnusable } from '../load/remote.ts';
import { benchHtml, benchMarkdown } from '../load/render.ts';
import { bench } from '../load/run.ts';
import { type BenchSummary, summarizeBench } from '../load/summary.ts';
import { sectionsCsv } from '../page/section.ts';

const interruption = new AbortController();

async function main(): Promise<ExitCode> {
  const argv = process.argv.slice(2);
  const options = readBenchOptions(argv);
  const { registry, folder, ...run } = await bench({
    options,
    command: ['npm run bench --', ...argv, ...seedOf(argv, options.seed)].join(' '),
    environment: process.env,
    output: process.stderr,
    signal: interruption.signal,
  });
  const summary = summarizeBench(run, registry);
  const sections = sectionsOf(summary);
  const markdown = benchMarkdown([summary], sections);
  await Promise.all([
    writeFile(join(folder, 'report.md'), markdown),
    writeFile(join(folder, 'report.html'), benchHtml(summary, sections)),
    writeFile(join(folder, 'report.csv'), sectionsCsv(sections)),
    writeFile(join(folder, 'result.json'), `${JSON.stringify(summary, null, 2)}\n`),
  ]);
  process.stdout.write(options.json ? `${JSON.stringify(summary, null, 2)}\n` : markdown);
  process.stderr.write(`\n${join(folder, 'report.html')}\n`);
  return exitOf(summary);
}

function seedOf(argv: readonly string[], seed: number): string[] {
  return argv.some(word => word.startsWith('--seed')) ? [] : ['--seed', String(seed)];
}

/** A missing cell is never good. */
function exitOf({ rows, missing }: BenchSummary): ExitCode {
  if (rows.some(row => row.claimViolated)) return exitCodes.claimBroken;
  const judged = rows.every(row => row.audited);
  return missing.length > 0 || !judged ? exitCodes.inconclusive : exitCodes.asClaimed;
}

/** What went wrong before there was a result, in words for whoever typed the command. */
function failed(error: unknown): ExitCode {
  if (error instanceof HelpAsked) {
    process.stdout.write(error.text);
    return exitCodes.asClaimed;
  }
  const message = error instanceof Error ? error.message : String(error);
  if (interruption.signal.aborted) {
    process.stderr.write('Interrupted. What was measured is kept: --resume <folder> goes on.\n');
    return exitCodes.interrupted;
  }
  process.stderr.write(`${message}\n`);
  if (error instanceof K6Missing) return exitCodes.missing;
  if (error instanceof TargetUnusable)
    return error.why === 'unreachable' ? exitCodes.missing : exitCodes.usage;
  const asked = [UsageError, RegistryError, ConfigError, UnreadableRun];
  if (!asked.some(kind => error instanceof kind)) return exitCodes.inconclusive;
  process.stderr.write('See: npm run bench -- --help\n');
  return exitCodes.usage;
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => interruption.abort(new Error(`interrupted by ${name}`)));
process.stdout.on('error', () => {}); // the reader of a pipe may leave early
process.exitCode = await main().catch(failed);
