/** The command line of `compare`. */
import type { Command } from 'commander';
import { commandOf, type OptionValues, option, readTable, repeated } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { nameList, strategyList, whole, wholeNumber } from '../lab/option-values.ts';
import { blocksMin } from '../lab/ranking.ts';
import { jsonOption, outOption, resumeOption, seedOption } from '../lab/usual-options.ts';

export const defaults = { rivals: 8, processes: 4, exploreSeconds: 25, out: 'results' } as const;
/** The scenario of the main job: the incident that the project started with. */
export const mainScenario = 'appointment';
/** The main job ranks costs; a matrix of hundreds of cells is for verdicts. */
const repetitionsOf = { mainJob: blocksMin, matrix: 1 } as const;
const roundsDefault = 60;

const table = {
  /** Names; empty for the main job. */
  scenarios: option<readonly string[]>({
    flags: '--scenario <list>',
    text: `comma-separated scenarios, or all (default: ${mainScenario})`,
    read: nameList,
    fallback: [],
    silent: true,
  }),
  /** Names, or `scenario/variant`; empty for all. */
  variants: option<readonly string[]>({
    flags: '--variant <list>',
    text: 'only these variants, such as plain or coupon/checked-again',
    read: nameList,
    fallback: [],
    silent: true,
  }),
  /** Names and paths; empty: all if scenarios are named, else those of the main job. */
  strategies: option<readonly string[]>({
    flags: '--strategy <list>',
    text: 'comma-separated names and files, or all (default: all if --scenario is given)',
    read: strategyList,
    fallback: [],
    silent: true,
  }),
  /** Undefined: as many as time permits. */
  rounds: option<number | undefined>({
    flags: '--rounds <n>',
    text: `contested keys per strategy and repetition (default: ${roundsDefault}, or as many as time permits)`,
    read: wholeNumber(1, 100_000),
    fallback: undefined,
  }),
  rivals: whole('--rivals <n>', 'callers per contested key', [1, 64], defaults.rivals),
  processes: whole('--processes <n>', 'processes of the service', [1, 16], defaults.processes),
  /** Undefined: see `repetitionsOf`. */
  repetitions: option<number | undefined>({
    flags: '--repetitions <n>',
    text:
      `repetitions, each in a new random order (default: ${repetitionsOf.mainJob}, or ` +
      `${repetitionsOf.matrix} if --scenario is given)`,
    read: wholeNumber(1, 100),
    fallback: undefined,
  }),
  /** Limit for exploring all cells; 0: no exploration. */
  exploreSeconds: whole(
    '--explore-seconds <n>',
    'time for exploring two callers on a single scenario, all strategies together; 0: none',
    [0, 3_600],
    defaults.exploreSeconds,
  ),
  seed: seedOption('order and load'),
  out: outOption(defaults.out),
  resume: resumeOption('run.json', 'scenarios'),
  json: jsonOption,
};

/** The parsed command line. */
export interface Options extends Omit<OptionValues<typeof table>, 'seed' | 'resume'> {
  readonly seed: number;
  readonly resume?: string;
}

/** The options, with all fixed and derived values. */
export interface Settings extends Omit<Options, 'rounds' | 'repetitions'> {
  readonly rounds: number;
  readonly repetitions: number;
  /** Undefined: as many of `rounds` as time permits. */
  readonly roundsAsked: number | undefined;
  readonly doubleTapShare: number;
  readonly aloneKeys: number;
  readonly busyKeys: number;
  readonly inFlight: number;
  readonly waitMs: number;
  readonly leaseMs: number;
}

/** Whether no scenario was named: then the run has 90 seconds. */
export function isMainJob({ scenarios }: Pick<Options, 'scenarios'>): boolean {
  return scenarios.length === 0;
}

const fixed = { doubleTapShare: 0.2, aloneKeys: 80, busyKeys: 160, inFlight: 8 } as const;
/** Keys with one caller per contested key, if few of those are requested. */
const keysPerRound = 3;
const seedsMax = 1_000_000;

/** Adds fixed and derived values, and how long the service lets a command wait and a lease last. */
export function settingsOf(
  options: Options,
  { waitMs, leaseMs }: Pick<Settings, 'waitMs' | 'leaseMs'>,
): Settings {
  const rounds = options.rounds ?? roundsDefault;
  return {
    ...options,
    ...fixed,
    rounds,
    repetitions: options.repetitions ?? repetitionsOf[isMainJob(options) ? 'mainJob' : 'matrix'],
    aloneKeys: Math.min(fixed.aloneKeys, rounds * keysPerRound),
    busyKeys: Math.min(fixed.busyKeys, rounds * keysPerRound),
    roundsAsked: options.rounds,
    waitMs,
    leaseMs,
  };
}

const examples = `
Examples:
  npm run compare                                              one scenario, about a minute
  npm run compare -- --scenario all                            the whole matrix, takes minutes
  npm run compare -- --scenario payout,coupon                  every strategy on two scenarios
  npm run compare -- --scenario calendar --variant wrong-key --strategy serializable
  npm run compare -- --strategy all                            every strategy on appointment
  npm run compare -- --strategy row-lock,redlock               two, and the control
  npm run compare -- --strategy ./my-lock.ts                   a file of your own
  npm run compare -- --strategy both:row-lock+redis-lease      two in one transaction
  npm run compare -- --strategy ./my-lock.ts,row-lock --rounds 500
  npm run compare -- --processes 1                             where an in-process lock is safe
  npm run compare -- --json > result.json                      for a script

Servers: DATABASE_URL, REDIS_URL and REDIS_NODES are used if set; otherwise servers are started.
The service takes WAIT_MS, LEASE_MS, EXTEND_LEASE, ATTEMPTS_MAX, DATABASE_CONNECTIONS and
LOCK_CONNECTIONS from the environment.

Exit codes:
  ${exitCodes.asClaimed}    every strategy behaved as predicted
  ${exitCodes.claimBroken}    a strategy let through what it claims to prevent
  ${exitCodes.usage}    the command line or a strategy file is wrong; nothing ran
  ${exitCodes.inconclusive}    inconclusive: a predicted violation did not occur, too little was observed,
       or an error aborted the run
  ${exitCodes.interrupted}  interrupted: the result is marked incomplete`;

/** Parses arguments (without node and file). Throws `UsageError` and `HelpAsked`. */
export function readOptions(argv: readonly string[], drawSeed = drawn): Options {
  const { resume, seed = drawSeed(), ...rest } = readTable(form(), table, argv);
  return { ...rest, seed, ...(resume !== undefined && { resume }) };
}

function drawn(): number {
  return Math.floor(Math.random() * seedsMax);
}

/** The command, without its values. */
export function form(): Command {
  return commandOf(
    'compare',
    'Runs strategies on a scenario under contention, audits the database, and reports which are safe ' +
      'and what they cost. Raw data goes to <out>/<time>-<commit>/, reports to <out>/latest/.',
    table,
  ).addHelpText('after', examples);
}

/** The command line that repeats a run, with its seed and the service's environment variables. */
export function commandLine(
  options: Options,
  variables: Readonly<Record<string, string>> = {},
): string {
  return repeated('compare', table, { resume: undefined, ...options }, variables);
}
