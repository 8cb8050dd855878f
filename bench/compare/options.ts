/** The command line of `compare`. */
import { Command, Option } from 'commander';
import { nameList, parsed, strategyList, wholeNumber } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';

/** What the command line asks for. */
export interface Options {
  /** Names; empty: the main job's one. */
  readonly scenarios: readonly string[];
  /** Names, or `scenario/variant`; empty for all. */
  readonly variants: readonly string[];
  /** Names and paths; empty: every one where scenarios are named, else those of the main job. */
  readonly strategies: readonly string[];
  /** Undefined: as many as fit into the time. */
  readonly rounds: number | undefined;
  readonly rivals: number;
  readonly processes: number;
  /** Undefined: as many as the kind of run has. */
  readonly repetitions: number | undefined;
  readonly seed: number;
  /** For exploring all cells together; 0: none is explored. */
  readonly exploreSeconds: number;
  readonly json: boolean;
  readonly out: string;
  /** The raw file of a run that was interrupted, to go on with. */
  readonly resume?: string;
}

/** The options with everything that is fixed or derived. */
export interface Settings extends Omit<Options, 'rounds' | 'repetitions'> {
  readonly rounds: number;
  readonly repetitions: number;
  /** Undefined: as many of `rounds` as fit into the time. */
  readonly roundsAsked: number | undefined;
  readonly doubleTapShare: number;
  readonly uncontendedKeys: number;
  readonly inFlight: number;
  readonly waitMs: number;
}

export const defaults = { rivals: 8, processes: 4, exploreSeconds: 25, out: 'results' } as const;
/** What the main job compares on: the incident that the project began with. */
export const mainScenario = 'appointment';
/** The main job ranks; a matrix of hundreds of cells judges first. */
const repetitionsOf = { mainJob: 3, matrix: 1 } as const;

/** Whether nobody named a scenario: then the run has its 90 seconds. */
export function isMainJob({ scenarios }: Pick<Options, 'scenarios'>): boolean {
  return scenarios.length === 0;
}

const fixed = { doubleTapShare: 0.2, uncontendedKeys: 160, inFlight: 8 } as const;
const roundsDefault = 60;
/** Uncontended keys for each contested one, where few of those are asked for. */
const keysPerRound = 3;
const seedsMax = 1_000_000;

/** Adds what is not asked for. `waitMs`: how long the service lets a command wait. */
export function settingsOf(options: Options, waitMs: number): Settings {
  const rounds = options.rounds ?? roundsDefault;
  return {
    ...options,
    ...fixed,
    rounds,
    repetitions: options.repetitions ?? repetitionsOf[isMainJob(options) ? 'mainJob' : 'matrix'],
    uncontendedKeys: Math.min(fixed.uncontendedKeys, rounds * keysPerRound),
    roundsAsked: options.rounds,
    waitMs,
  };
}

/** What `--rounds` was where a run says how many it planned. */
export function roundsAskedOf(rounds: number): number | undefined {
  return rounds === roundsDefault ? undefined : rounds;
}

const examples = `
Examples:
  npm run compare                                              the main job, about a minute
  npm run compare -- --scenario all                            the whole matrix; takes minutes
  npm run compare -- --scenario payout,coupon                  every strategy on two scenarios
  npm run compare -- --scenario calendar --variant wrong-key --strategy serializable
  npm run compare -- --strategy all                            every strategy on appointment
  npm run compare -- --strategy row-lock,redlock               two, beside the control
  npm run compare -- --strategy ./my-lock.ts                   a file of your own
  npm run compare -- --strategy both:row-lock+redis-lease      two in one transaction
  npm run compare -- --strategy ./my-lock.ts,row-lock --rounds 500
  npm run compare -- --processes 1                             where a lock in one process is right
  npm run compare -- --json > result.json                      for a script

Servers: DATABASE_URL, REDIS_URL and REDIS_NODES are used where set; else they are started here.
The service takes WAIT_MS, LEASE_MS, EXTEND_LEASE, ATTEMPTS_MAX, DATABASE_CONNECTIONS and
LOCK_CONNECTIONS from the environment.

Exit codes:
  ${exitCodes.asClaimed}    every strategy behaved as predicted
  ${exitCodes.claimBroken}    a strategy let through what it claims to prevent
  ${exitCodes.usage}    the command line or a strategy file is wrong; nothing ran
  ${exitCodes.inconclusive}    inconclusive: a predicted violation was not seen, too little was observed,
       or the run broke off
  ${exitCodes.interrupted}  interrupted: the result is marked incomplete`;

interface Read {
  readonly scenario?: readonly string[];
  readonly variant?: readonly string[];
  readonly strategy?: readonly string[];
  readonly rounds?: number;
  readonly rivals: number;
  readonly processes: number;
  readonly repetitions?: number;
  readonly seed?: number;
  readonly exploreSeconds: number;
  readonly json?: true;
  readonly out: string;
  readonly resume?: string;
}

/** Reads arguments (without node and file). Throws `UsageError` and `HelpAsked`. */
export function readOptions(argv: readonly string[], drawSeed = drawn): Options {
  const read = parsed<Read>(form(), argv);
  const { scenario = [], variant = [], strategy = [], rounds, repetitions, ...rest } = read;
  const { rivals, processes, exploreSeconds, out, resume, json = false, seed = drawSeed() } = rest;
  const named = { scenarios: scenario, variants: variant, strategies: strategy };
  const numbers = { rounds, rivals, processes, repetitions, seed, exploreSeconds };
  const given = { ...named, ...numbers, json, out };
  return resume === undefined ? given : { ...given, resume };
}

function drawn(): number {
  return Math.floor(Math.random() * seedsMax);
}

/** The command line: help and validation follow from it. */
export function form(): Command {
  const number = (flags: string, text: string, min: number, max: number): Option =>
    new Option(flags, text).argParser(wholeNumber(min, max));
  return new Command('lockstep compare')
    .description(
      'Runs strategies on a scenario under contention, has the database audited, and says which are\n' +
        'safe and what those cost. Raw data go to <out>/<time>-<commit>/, reports to <out>/latest/.',
    )
    .option(
      '--scenario <list>',
      `what callers contend for, with commas between, or all (default: ${mainScenario})`,
      nameList,
    )
    .option('--variant <list>', 'of these only: plain, or coupon/checked-again', nameList)
    .option(
      '--strategy <list>',
      'names and files, with commas between, or all (default: all where scenarios are named)',
      strategyList,
    )
    .addOption(
      number(
        '--rounds <n>',
        `contested keys per strategy and repetition (default: ${roundsDefault}, fewer if time runs out)`,
        1,
        100_000,
      ),
    )
    .addOption(number('--rivals <n>', 'callers per contested key', 1, 64).default(defaults.rivals))
    .addOption(
      number('--processes <n>', 'processes of the service', 1, 16).default(defaults.processes),
    )
    .addOption(
      number(
        '--repetitions <n>',
        `each in a random order of its own (default: ${repetitionsOf.mainJob}, ` +
          `${repetitionsOf.matrix} where scenarios are named)`,
        1,
        100,
      ),
    )
    .addOption(number('--seed <n>', 'repeats order and load of an earlier run', 0, 999_999_999))
    .addOption(
      number(
        '--explore-seconds <n>',
        'for exploring the orders of two callers on one scenario, all strategies together',
        0,
        3_600,
      ).default(defaults.exploreSeconds),
    )
    .option('--out <folder>', 'where results are written', defaults.out)
    .option('--resume <file>', 'the run.json of an interrupted run: its open scenarios are run')
    .option('--json', 'print the result as JSON instead of the table')
    .helpOption('--help', 'print this')
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .showSuggestionAfterError();
}

/** The command line that repeats a run, with its seed and the variables that shaped the service. */
export function commandLine(
  options: Options,
  variables: Readonly<Record<string, string>> = {},
): string {
  const asked = (name: 'rivals' | 'processes'): string[] =>
    options[name] === defaults[name] ? [] : [`--${name}`, String(options[name])];
  const given = (name: string, value: number | undefined): string[] =>
    value === undefined ? [] : [`--${name}`, String(value)];
  const listed = (name: string, values: readonly string[]): string[] =>
    values.length === 0 ? [] : [`--${name}`, values.join(',')];
  const parts = [
    ...listed('scenario', options.scenarios),
    ...listed('variant', options.variants),
    ...listed('strategy', options.strategies),
    ...given('rounds', options.rounds),
    ...asked('rivals'),
    ...asked('processes'),
    ...given('repetitions', options.repetitions),
    ...(options.exploreSeconds === defaults.exploreSeconds
      ? []
      : ['--explore-seconds', String(options.exploreSeconds)]),
    '--seed',
    String(options.seed),
  ];
  const set = Object.entries(variables).map(([name, value]) => `${name}=${quoted(value)} `);
  return `${set.join('')}npm run compare -- ${parts.map(quoted).join(' ')}`;
}

/** For a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
