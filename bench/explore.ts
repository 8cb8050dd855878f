#!/usr/bin/env node
/** `npm run explore`: a race.config.ts of your own, or the strategies of this project. */
import { RegistryError } from '../src/engine/registry.ts';
import { runExploreCommand } from '../src/explore/command.ts';
import { HelpAsked, UsageError } from './command-line.ts';
import { exitCodes } from './exit.ts';
import { asksForStrategies, exploreStrategies } from './exploration/command.ts';

const argv = process.argv.slice(2);
const interruption = new AbortController();

async function strategies(): Promise<number> {
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => interruption.abort(new Error(`interrupted by ${name}`)));
  try {
    return await exploreStrategies(argv, {
      environment: process.env,
      write: text => process.stdout.write(text),
      note: line => process.stderr.write(`${line}\n`),
      signal: interruption.signal,
    });
  } catch (error) {
    if (error instanceof HelpAsked) {
      process.stdout.write(error.text);
      return exitCodes.asPredicted;
    }
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    if (interruption.signal.aborted) return exitCodes.interrupted;
    const usage = error instanceof UsageError || error instanceof RegistryError;
    return usage ? exitCodes.usage : exitCodes.inconclusive;
  }
}

process.exitCode = asksForStrategies(argv)
  ? await strategies()
  : await runExploreCommand(argv, {
      write: text => process.stdout.write(text),
      databaseUrl: process.env.DATABASE_URL,
      redisUrl: process.env.REDIS_URL,
    });
