#!/usr/bin/env node
/** The main job: `npm run compare`. Thin: reads, runs, prints, and ends with an exit code. */
import { ConfigError } from '../../src/config.ts';
import { RegistryError } from '../../src/engine/registry.ts';
import { writeRun } from '../compare/files.ts';
import { readOptions } from '../compare/options.ts';
import { compare } from '../compare/run.ts';
import { summarize } from '../compare/summary.ts';
import { table } from '../compare/table.ts';
import { HelpAsked, UsageError } from '../lab/command-line.ts';
import { type ExitCode, exitCodes } from '../lab/exit-codes.ts';

const interruption = new AbortController();

async function main(): Promise<ExitCode> {
  const options = readOptions(process.argv.slice(2));
  const { signal } = interruption;
  const run = await compare({ options, environment: process.env, output: process.stderr, signal });
  const files = await writeRun(options.out, run);
  const summary = summarize(run);
  const color = process.stdout.isTTY === true && !process.env.NO_COLOR;
  process.stdout.write(
    options.json ? `${JSON.stringify(summary, null, 2)}\n` : table(summary, { color }),
  );
  process.stderr.write(`\n${files.html}\n${files.markdown}\n${files.json}\n${files.raw}\n`);
  return summary.exitCode;
}

/** What went wrong before there was a result, in words for whoever typed the command. */
function failed(error: unknown): ExitCode {
  if (error instanceof HelpAsked) {
    process.stdout.write(error.text);
    return exitCodes.asClaimed;
  }
  const message = error instanceof Error ? error.message : String(error);
  if (interruption.signal.aborted) {
    process.stderr.write('Interrupted before anything was measured; nothing was written.\n');
    return exitCodes.interrupted;
  }
  if (error instanceof UsageError) {
    process.stderr.write(`${message}\nSee: npm run compare -- --help\n`);
    return exitCodes.usage;
  }
  if (error instanceof RegistryError || error instanceof ConfigError) {
    process.stderr.write(`Nothing was run; this is to be put right first:\n${message}\n`);
    return exitCodes.usage;
  }
  process.stderr.write(`The comparison could not be made: ${message}\n`);
  return exitCodes.inconclusive;
}

/** npm hands a Ctrl-C on that the terminal has sent here already: that is no second wish. */
const sameWishMs = 1_000;

function stopOnSignals(): void {
  let firstMs = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      // the keeper of the servers ends them with this process, however it ends
      if (interruption.signal.aborted) {
        if (performance.now() - firstMs > sameWishMs) process.exit(exitCodes.interrupted);
        return;
      }
      firstMs = performance.now();
      process.stderr.write('\nStopping; once more to stop at once.\n');
      interruption.abort(new Error(`interrupted by ${name}`));
    });
}

stopOnSignals();
process.stdout.on('error', () => {}); // the reader of a pipe may leave early
process.exitCode = await main().catch(failed);
