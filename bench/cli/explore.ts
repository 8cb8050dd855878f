#!/usr/bin/env node
/** `npm run explore`: a race.config.ts of your own, or the strategies of this project. */
import { RegistryError } from '../../src/engine/registry.ts';
import { runExploreCommand } from '../../src/explore/command.ts';
import { interruption, leave } from '../../src/explore/interruption.ts';
import { asksForStrategies, exploreStrategies } from '../explore/command.ts';
import { asksForHelp, exploreHelp } from '../explore/help.ts';
import { openExploreServers } from '../explore/servers.ts';
import { HelpAsked, UsageError } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';

const argv = process.argv.slice(2);
const write = (text: string) => process.stdout.write(text);
const note = (line: string) => process.stderr.write(`${line}\n`);

async function strategies(signal: AbortSignal): Promise<number> {
  try {
    return await exploreStrategies(argv, { environment: process.env, write, note, signal });
  } catch (error) {
    if (error instanceof HelpAsked) {
      write(error.text);
      return exitCodes.asClaimed;
    }
    if (signal.aborted) {
      note('Interrupted before any order was run.');
      return exitCodes.interrupted;
    }
    note(error instanceof Error ? error.message : String(error));
    const usage = error instanceof UsageError || error instanceof RegistryError;
    return usage ? exitCodes.usage : exitCodes.inconclusive;
  }
}

async function main(): Promise<number> {
  if (asksForHelp(argv)) {
    write(exploreHelp());
    return exitCodes.asClaimed;
  }
  const signal = interruption(text => process.stderr.write(text), exitCodes.interrupted);
  if (asksForStrategies(argv)) return strategies(signal);
  return runExploreCommand(argv, {
    write,
    databaseUrl: process.env.DATABASE_URL || undefined,
    redisUrl: process.env.REDIS_URL || undefined,
    openServers: named => openExploreServers(named, { note, signal }),
    signal,
  });
}

process.stdout.on('error', () => {}); // the reader of a pipe may leave early
leave(await main());
