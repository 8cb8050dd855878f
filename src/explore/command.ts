import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { commandLine, type Flags, optionsOf } from './command-line.ts';
import { loadConfig } from './config-file.ts';
import { findings } from './ending.ts';
import { exitCodes, interruptedCode } from './exit-codes.ts';
import { explore, replay } from './explore.ts';
import { SetupFailed } from './failed.ts';
import { initConfig } from './init.ts';
import type { Race } from './race.ts';
import type { Exploration } from './result.ts';
import { Nondeterministic } from './search/point.ts';
import type { ExploreOptions } from './settings.ts';
import { timelineSvg } from './timeline/svg.ts';
import { timelineText } from './timeline/text.ts';
import { verdictText } from './verdict.ts';

/** Servers for one exploration. */
export interface OpenedServers {
  readonly pgUrl: string;
  readonly redisUrls: readonly string[];
  /** Ends what was started for it. */
  close(): Promise<void>;
}

/** The servers that a flag or the environment names; `redisUrls` is undefined where none does. */
export interface NamedServers {
  readonly pgUrl: string | undefined;
  readonly redisUrls: readonly string[] | undefined;
}

/** Where the command writes, and which servers it uses when no flag names them. */
export interface CommandSurroundings {
  readonly write: (text: string) => void;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  /** Starts servers that are not named. Without it Postgres must be named; Redis is optional. */
  readonly openServers?: (named: NamedServers) => Promise<OpenedServers>;
  /** Aborted by Ctrl-C: what was found until then is printed, and the exit code is 130. */
  readonly signal?: AbortSignal;
}

/**
 * `explore race.config.ts`: visits every order of its actors and prints the verdict. Resolves to
 * the exit code; nothing is left running then.
 */
export async function runExploreCommand(
  values: readonly string[],
  surroundings: CommandSurroundings,
): Promise<number> {
  const { write, signal } = surroundings;
  if (values[0] === 'init') return initConfig(values.slice(1), write);
  let code: number = exitCodes.usage;
  const command = commandLine()
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write })
    .action(async (file: string, flags: Flags) => {
      code = await run(file, flags, surroundings);
    });
  try {
    await command.parseAsync(values, { from: 'user' });
  } catch (error) {
    if (signal?.aborted) {
      write(nothingFound(values.includes('--json')));
      return interruptedCode;
    }
    if (isHelp(error)) return 0;
    // Commander has already printed its own errors; all others are printed here.
    if (!isUsage(error)) write(`${messageOf(error)}\n`);
    if (error instanceof NoServers) return exitCodes.missing;
    if (error instanceof SetupFailed) return exitCodes['setup-failed'];
    if (error instanceof Nondeterministic) return exitCodes.nondeterministic;
  }
  return signal?.aborted ? interruptedCode : code;
}

async function run(file: string, flags: Flags, surroundings: CommandSurroundings): Promise<number> {
  const config = await loadConfig(resolve(file));
  const opened = await serversOf(flags, surroundings);
  try {
    const { pgUrl, redisUrls } = opened;
    const { signal } = surroundings;
    const servers = { pgUrl, redisUrls };
    const options = { ...optionsOf(config, flags), servers, ...(signal && { signal }) };
    if (flags.replay !== undefined)
      return await replayOne(config, flags.replay, options, flags, surroundings);
    return await exploreAll(config, options, flags, surroundings);
  } finally {
    await opened.close();
  }
}

/** No server is available; the message says why. */
class NoServers extends Error {
  override readonly name = 'NoServers';
}

async function serversOf(flags: Flags, surroundings: CommandSurroundings): Promise<OpenedServers> {
  const { databaseUrl, redisUrl, openServers } = surroundings;
  const pgUrl = flags.database ?? databaseUrl;
  const redis = flags.redis === false ? '' : (flags.redis ?? redisUrl);
  const redisUrls = redis?.split(',').filter(url => url !== '');
  if (pgUrl !== undefined && (redisUrls !== undefined || openServers === undefined))
    return { pgUrl, redisUrls: redisUrls ?? [], close: async () => {} };
  if (openServers === undefined)
    throw new Error('which Postgres? Set DATABASE_URL or give --database');
  try {
    return await openServers({ pgUrl, redisUrls });
  } catch (error) {
    throw new NoServers(messageOf(error), { cause: error });
  }
}

async function exploreAll(
  config: Race,
  options: ExploreOptions,
  flags: Flags,
  { write }: CommandSurroundings,
): Promise<number> {
  const found = await explore(config, options);
  write(flags.json ? json(found) : verdictText(found, config.title, flags.markdown));
  if (flags.svg !== undefined && found.counterexample !== undefined) {
    const source = { actors: Object.keys(config.actors), counterexample: found.counterexample };
    await writeFile(flags.svg, timelineSvg(source));
  }
  return exitCodes[found.outcome];
}

async function replayOne(
  config: Race,
  schedule: string,
  options: ExploreOptions,
  flags: Flags,
  { write }: CommandSurroundings,
): Promise<number> {
  const mode = flags.guided ? 'guided' : 'strict';
  const [record] = await replay(config, schedule, { ...options, mode });
  if (record === undefined) return exitCodes.inconclusive;
  const counterexample = { schedule, cost: { events: 0, preemptions: 0 }, record };
  const actors = Object.keys(config.actors);
  write(
    flags.json
      ? `${JSON.stringify({ schedule, ...record }, plain, 2)}\n`
      : `${timelineText({ actors, counterexample })}\n`,
  );
  if (findings(record).length > 0) return exitCodes.unsafe;
  if (record.end.kind !== 'inconclusive') return exitCodes.safe;
  if (!flags.json) write(`inconclusive: ${record.end.why}\n`);
  return exitCodes.inconclusive;
}

function json(found: Exploration): string {
  return `${JSON.stringify(found, plain, 2)}\n`;
}

/** JSON has no maps or sets. */
function plain(_name: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  return value instanceof Set ? [...value] : value;
}

/** The result of a run that was interrupted before its first order. */
function nothingFound(asJson: boolean): string {
  const why = 'interrupted before any order was run';
  if (!asJson) return `${why}\n`;
  return `${JSON.stringify({ outcome: 'budget-stopped', why, interrupted: true, orders: 0 }, null, 2)}\n`;
}

function isUsage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

function isHelp(error: unknown): boolean {
  return error instanceof Error && 'exitCode' in error && error.exitCode === 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
