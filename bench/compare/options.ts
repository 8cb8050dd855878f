/** The command line of `compare`. */
import { Command } from 'commander';
import {
  nameList,
  type OptionValues,
  option,
  readTable,
  repeated,
  strategyList,
  wholeNumber,
  withOptions,
} from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';

export const defaults = { rivals: 8, processes: 4, exploreSeconds: 25, out: 'results' } as const;
/** What the main job compares on: the incident that the project began with. */
export const mainScenario = 'appointment';
/** The main job ranks; a matrix of hundreds of cells judges first. */
const repetitionsOf = { mainJob: 3, matrix: 1 } as const;
const roundsDefault = 60;

const table = {
  /** Names; empty: the main job's one. */
  scenarios: option<readonly string[]>({
    flags: '--scenario <list>',
    text: `what callers contend for, with commas between, or all (default: ${mainScenario})`,
    read: nameList,
    fallback: [],
    silent: true,
  }),
  /** Names, or `scenario/variant`; empty for all. */
  variants: option<readonly string[]>({
    flags: '--variant <list>',
    text: 'of these only: plain, or coupon/checked-again',
    read: nameList,
    fallback: [],
    silent: true,
  }),
  /** Names and paths; empty: every one where scenarios are named, else those of the main job. */
  strategies: option<readonly string[]>({
    flags: '--strategy <list>',
    text: 'names and files, with commas between, or all (default: all where scenarios are named)',
    read: strategyList,
    fallback: [],
    silent: true,
  }),
  /** Undefined: as many as fit into the time. */
  rounds: option<number | undefined>({
    flags: '--rounds <n>',
    text: `contested keys per strategy and repetition (default: ${roundsDefault}, fewer if time runs out)`,
    read: wholeNumber(1, 100_000),
    fallback: undefined,
  }),
  rivals: option<number>({
    flags: '--rivals <n>',
    text: 'callers per contested key',
    read: wholeNumber(1, 64),
    fallback: defaults.rivals,
  }),
  processes: option<number>({
    flags: '--processes <n>',
    text: 'processes of the service',
    read: wholeNumber(1, 16),
    fallback: defaults.processes,
  }),
  /** Undefined: as many as the kind of run has. */
  repetitions: option<number | undefined>({
    flags: '--repetitions <n>',
    text:
      `each in a random order of its own (default: ${repetitionsOf.mainJob}, ` +
      `${repetitionsOf.matrix} where scenarios are named)`,
    read: wholeNumber(1, 100),
    fallback: undefined,
  }),
  /** For exploring all cells together; 0: none is explored. */
  exploreSeconds: option<number>({
    flags: '--explore-seconds <n>',
    text: 'for exploring the orders of two callers on one scenario, all strategies together',
    read: wholeNumber(0, 3_600),
    fallback: defaults.exploreSeconds,
  }),
  /** Undefined: one is drawn. */
  seed: option<number | undefined>({
    flags: '--seed <n>',
    text: 'repeats order and load of an earlier run',
    read: wholeNumber(0, 999_999_999),
    fallback: undefined,
  }),
  out: option<string>({
    flags: '--out <folder>',
    text: 'where results are written',
    fallback: defaults.out,
    notRepeated: true,
  }),
  /** The raw file of a run that was interrupted, to go on with. */
  resume: option<string | undefined>({
    flags: '--resume <file>',
    text: 'the run.json of an interrupted run: its open scenarios are run',
    fallback: undefined,
    notRepeated: true,
  }),
  json: option<boolean>({
    flags: '--json',
    text: 'print the result as JSON instead of the table',
    fallback: false,
    notRepeated: true,
  }),
};

/** What the command line asks for. */
export interface Options extends Omit<OptionValues<typeof table>, 'seed' | 'resume'> {
  readonly seed: number;
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

/** Whether nobody named a scenario: then the run has its 90 seconds. */
export function isMainJob({ scenarios }: Pick<Options, 'scenarios'>): boolean {
  return scenarios.length === 0;
}

const fixed = { doubleTapShare: 0.2, uncontendedKeys: 160, inFlight: 8 } as const;
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

/** Reads arguments (without node and file). Throws `UsageError` and `HelpAsked`. */
export function readOptions(argv: readonly string[], drawSeed = drawn): Options {
  const { resume, seed = drawSeed(), ...rest } = readTable(form(), table, argv);
  return { ...rest, seed, ...(resume !== undefined && { resume }) };
}

function drawn(): number {
  return Math.floor(Math.random() * seedsMax);
}

/** The command, without its values. */
export function form(): Command {
  const command = new Command('lockstep compare').description(
    'Runs strategies on a scenario under contention, has the database audited, and says which are ' +
      'safe and what those cost. Raw data go to <out>/<time>-<commit>/, reports to <out>/latest/.',
  );
  return withOptions(command, table).addHelpText('after', examples).showSuggestionAfterError();
}

/** The command line that repeats a run, with its seed and the variables that shaped the service. */
export function commandLine(
  options: Options,
  variables: Readonly<Record<string, string>> = {},
): string {
  const parts = repeated(table, { resume: undefined, ...options });
  const set = Object.entries(variables).map(([name, value]) => `${name}=${quoted(value)} `);
  return `${set.join('')}npm run compare -- ${parts.map(quoted).join(' ')}`;
}

/** For a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
