import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { exitCodes } from './exit-codes.ts';
import { explore, replay } from './explore.ts';
import type { Race } from './race.ts';
import type { Exploration } from './result.ts';
import { type EventKind, eventKinds } from './search/choice.ts';
import type { ExploreOptions } from './settings.ts';
import { timelineSvg } from './timeline/svg.ts';
import { timelineText } from './timeline/text.ts';
import { verdictText } from './verdict.ts';

/** Where the command writes, and which servers it uses when no flag names them. */
export interface CommandSurroundings {
  readonly write: (text: string) => void;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
}

interface Flags {
  readonly database?: string;
  readonly redis?: string;
  readonly events?: readonly EventKind[];
  readonly preemptions?: number | 'unbounded';
  readonly phases: boolean;
  readonly fuse: boolean;
  readonly seconds?: number;
  readonly executions?: number;
  readonly random?: number;
  readonly seed: number;
  readonly replay?: string;
  readonly guided?: boolean;
  readonly json?: boolean;
  readonly markdown?: boolean;
  readonly svg?: string;
}

/**
 * `explore race.config.ts`: visits every order of its actors and prints the verdict. Resolves to
 * the exit code.
 */
export async function runExploreCommand(
  values: readonly string[],
  surroundings: CommandSurroundings,
): Promise<number> {
  let code = 2;
  const command = commandLine(surroundings).action(async (file: string, flags: Flags) => {
    code = await run(file, flags, surroundings);
  });
  try {
    await command.parseAsync(values, { from: 'user' });
  } catch (error) {
    // Commander has printed its own complaint; everything else is ours to say.
    if (!isUsage(error)) surroundings.write(`${messageOf(error)}\n`);
  }
  return code;
}

function commandLine(surroundings: CommandSurroundings): Command {
  return new Command('explore')
    .description('Runs code on real servers in every order of its requests, and audits each.')
    .argument('<config>', 'a race.config.ts whose default export is a Race')
    .option('--database <url>', 'a Postgres on which databases may be made (DATABASE_URL)')
    .option('--redis <list>', 'empty Redis databases, with commas between (REDIS_URL)')
    .option('--events <list>', `of ${eventKinds.join(', ')}`, parseEvents)
    .option('--preemptions <n>', 'switches away from who could go on, or "unbounded"', parseBound)
    .option('--no-phases', 'do not split statements into snapshot and effect')
    .option('--no-fuse', 'BEGIN, and each node of one Redlock acquire, is a step of its own')
    .option('--seconds <n>', 'stop after this long', parseNumber)
    .option('--executions <n>', 'stop after so many', parseNumber)
    .option('--random <n>', 'then run so many random schedules', parseNumber)
    .option('--seed <n>', 'of the random schedules', parseNumber, 1)
    .option('--replay <schedule>', 'run one schedule, v2:…, instead')
    .option('--guided', 'with --replay: leave out what is no longer possible')
    .option('--json', 'print the result as JSON')
    .option('--markdown', 'print the timeline as Markdown')
    .option('--svg <file>', 'write the timeline of a counterexample as a picture')
    .exitOverride()
    .configureOutput({ writeOut: surroundings.write, writeErr: surroundings.write });
}

async function run(file: string, flags: Flags, surroundings: CommandSurroundings): Promise<number> {
  const loaded = await load(resolve(file));
  const config = loaded.default;
  if (config?.actors === undefined || config.audit === undefined) {
    throw new Error(`${file} has no default export with setup, actors and audit`);
  }
  const pgUrl = flags.database ?? surroundings.databaseUrl;
  if (pgUrl === undefined) throw new Error('which Postgres? Set DATABASE_URL or give --database');
  const redis = flags.redis ?? surroundings.redisUrl;
  const servers = { pgUrl, redisUrls: redis === undefined ? [] : redis.split(',') };
  const options: ExploreOptions = {
    ...config,
    servers,
    ...(flags.events === undefined ? {} : { events: flags.events }),
    ...(flags.preemptions === undefined ? {} : { preemptions: flags.preemptions }),
    ...(flags.seconds === undefined ? {} : { secondsMax: flags.seconds }),
    ...(flags.phases ? {} : { phases: false }),
    ...(flags.fuse ? {} : { fuseBegin: false, fuseNodes: false }),
    ...(flags.executions === undefined ? {} : { executionsMax: flags.executions }),
    ...(flags.random === undefined
      ? {}
      : { random: { schedules: flags.random, seed: flags.seed } }),
  };
  if (flags.replay !== undefined)
    return replayOne(config, flags.replay, options, flags, surroundings);
  const found = await explore(config, options);
  surroundings.write(flags.json ? json(found) : verdictText(found, config.title, flags.markdown));
  if (flags.svg !== undefined && found.counterexample !== undefined) {
    const source = { actors: Object.keys(config.actors), counterexample: found.counterexample };
    await writeFile(flags.svg, timelineSvg(source));
  }
  return exitCodes[found.outcome];
}

interface Loaded {
  readonly default?: Race;
}

/** A config in TypeScript needs a loader where the command runs compiled. */
async function load(file: string): Promise<Loaded> {
  const { href } = pathToFileURL(file);
  try {
    return await import(href);
  } catch (error) {
    if (!isUnknownExtension(error)) throw error;
    const { tsImport } = await import('tsx/esm/api');
    return withoutInterop(await tsImport(href, import.meta.url));
  }
}

/** Beside no package.json that says `"type": "module"`, a file loads as CommonJS: one layer more. */
function withoutInterop(loaded: { readonly default?: Race | Loaded }): Loaded {
  const { default: exported } = loaded;
  if (typeof exported !== 'object' || exported === null) return {};
  return isWrapped(exported) ? exported : { default: exported };
}

function isWrapped(exported: Race | Loaded): exported is Loaded {
  return 'default' in exported;
}

function isUnknownExtension(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION';
}

async function replayOne(
  config: Race,
  schedule: string,
  options: ExploreOptions,
  flags: Flags,
  surroundings: CommandSurroundings,
): Promise<number> {
  const mode = flags.guided ? 'guided' : 'strict';
  const [record] = await replay(config, schedule, { ...options, mode });
  if (record === undefined) return exitCodes.inconclusive;
  const counterexample = { schedule, cost: { events: 0, preemptions: 0 }, record };
  const actors = Object.keys(config.actors);
  surroundings.write(`${timelineText({ actors, counterexample })}\n`);
  return record.violations.length > 0 ? exitCodes.unsafe : exitCodes.safe;
}

function json(found: Exploration): string {
  return `${JSON.stringify({ ...found, ends: Object.fromEntries(found.ends) }, null, 2)}\n`;
}

function parseEvents(text: string): EventKind[] {
  return text.split(',').map(name => {
    const kind = eventKinds.find(one => one === name.trim());
    if (kind === undefined) throw new InvalidArgumentError(`no event '${name}'`);
    return kind;
  });
}

function parseBound(text: string): number | 'unbounded' {
  return text === 'unbounded' ? text : parseNumber(text);
}

function parseNumber(text: string): number {
  const number = Number(text);
  if (text === '' || !Number.isFinite(number) || number < 0) {
    throw new InvalidArgumentError('a number, please');
  }
  return number;
}

function isUsage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
