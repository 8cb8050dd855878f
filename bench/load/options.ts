/** The command line of `load`. */
import { type Command, InvalidArgumentError } from 'commander';
import {
  commandOf,
  type OptionValues,
  option,
  readTable,
  repeated,
  UsageError,
} from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { nameList, number, oneOf, oneOfEach, strategyList } from '../lab/option-values.ts';

/** The sweeps, with their default points. */
export const sweeps = {
  contenders: [1, 8, 64, 256],
  keys: [1, 100, 10_000, 100_000],
  processes: [1, 2, 4, 8],
  hold: [0.1, 0.3, 1, 3],
  latency: [0, 1, 5],
  commit: [1, 0],
} as const satisfies Record<string, readonly number[]>;

export type Sweep = keyof typeof sweeps;
const axes = Object.keys(sweeps) as Sweep[];

/** The workloads of bench/load/k6/workloads.ts; a test compares the two lists. */
export const workloadNames = [
  'smoke',
  'average',
  'stress',
  'spike',
  'burst',
  'closed',
  'soak',
  'breakpoint',
] as const;

const spreads = ['hot', 'zipf', 'uniform'] as const;
type Spread = (typeof spreads)[number];

const row = (flags: string, text: string, min: number, max: number, fallback: number) =>
  option<number>({ flags, text, read: number(min, max), fallback });

const table = {
  scenarios: option<readonly string[]>({
    flags: '--scenario <list>',
    text: 'comma-separated scenarios',
    read: nameList,
    fallback: ['appointment'],
  }),
  strategies: option<readonly string[]>({
    flags: '--strategy <list>',
    text: 'comma-separated names and files, or all (default: as compare)',
    read: strategyList,
    fallback: [],
    silent: true,
  }),
  workloads: option<readonly string[]>({
    flags: '--workload <list>',
    text: `workloads: ${workloadNames.join(', ')}`,
    read: oneOfEach('workload', workloadNames),
    fallback: ['average'],
  }),
  spreads: option<readonly Spread[]>({
    flags: '--spread <list>',
    text: `distribution of keys: ${spreads.join(', ')}`,
    read: oneOfEach('spread', spreads),
    fallback: ['hot'],
  }),
  rate: row('--rate <n>', 'commands per second in the average workload', 1, 100_000, 100),
  vus: row('--vus <n>', 'number of callers', 1, 400, 50),
  iterations: row('--iterations <n>', 'commands per caller, in burst and closed', 1, 10_000, 20),
  duration: option<number | undefined>({
    flags: '--duration <seconds>',
    text: 'length of the load',
    read: number(1, 86_400),
    fallback: undefined,
  }),
  warmUp: row('--warm-up <seconds>', 'warm-up before the load, not counted', 0, 600, 3),
  keys: row('--keys <n>', 'keys in use at a time, with zipf and uniform', 1, 100_000, 1_000),
  commandsPerKey: row('--commands-per-key <n>', 'commands before a key is replaced', 1, 400, 8),
  bystanders: row('--bystanders <n>', 'commands per second on uncontended keys', 0, 1_000, 0),
  processes: row('--processes <n>', 'processes of the service', 1, 16, 2),
  repetitions: row('--repetitions <n>', 'repetitions, each in a new random order', 1, 100, 3),
  /** Undefined: a random one. */
  seed: option<number | undefined>({
    flags: '--seed <n>',
    text: 'seed of an earlier run, to repeat its order and load',
    read: number(0, 999_999_999),
    fallback: undefined,
  }),
  sweep: option<Sweep | undefined>({
    flags: '--sweep <axis>',
    text: `vary one parameter: ${axes.join(', ')}`,
    read: oneOf('sweep', axes),
    fallback: undefined,
  }),
  /** Undefined: the default points of the sweep. */
  points: option<readonly number[] | undefined>({
    flags: '--points <list>',
    text: 'comma-separated values for the sweep',
    read: numbers,
    fallback: undefined,
  }),
  filter: option<RegExp | undefined>({
    flags: '--filter <pattern>',
    text: 'only cells whose names match this regular expression',
    read: pattern,
    fallback: undefined,
  }),
  /** The folder of an interrupted run: finished cells are not run again. */
  resume: option<string | undefined>({
    flags: '--resume <folder>',
    text: 'resume an interrupted run',
    fallback: undefined,
    notRepeated: true,
  }),
  baseUrl: option<string | undefined>({
    flags: '--base-url <url>',
    text: 'measure a remote service; its audit needs ADMIN_TOKEN',
    fallback: undefined,
  }),
  out: option<string>({
    flags: '--out <folder>',
    text: 'folder for results',
    fallback: 'results',
    notRepeated: true,
  }),
  json: option<boolean>({
    flags: '--json',
    text: 'print the summary as JSON',
    fallback: false,
    notRepeated: true,
  }),
};

export interface BenchOptions extends Omit<OptionValues<typeof table>, 'seed'> {
  readonly seed: number;
}

const examples = `
Examples:
  npm run load -- --strategy redlock,row-lock --workload average
  npm run load -- --workload average,burst --spread hot,uniform --repetitions 5
  npm run load -- --workload average --bystanders 20
  npm run load -- --sweep latency --points 0,1,5 --strategy row-lock,atomic-update --scenario gift-card
  npm run load -- --resume results/bench-2026-11-22T05-00-00Z-1234567
  ADMIN_TOKEN=… npm run load -- --base-url http://127.0.0.1:3000 --strategy row-lock

Exit codes:
  ${exitCodes.asClaimed}    every cell was measured and audited, and none let through what it claims to prevent
  ${exitCodes.claimBroken}    a strategy let through what it claims to prevent
  ${exitCodes.usage}    the command line or a strategy file is wrong, or the service at --base-url runs
       another strategy; nothing ran
  ${exitCodes.inconclusive}    a cell is missing or was not audited, or claims safety where finding nothing proves
       nothing (?), outside sweeps
  ${exitCodes.missing}    k6 is missing and could not be installed, or the service at --base-url does not answer
  ${exitCodes.interrupted}  interrupted: continue with --resume`;

/** Parses arguments (without node and file). Throws `UsageError` and `HelpAsked`. */
export function readBenchOptions(
  argv: readonly string[],
  draw = (): number => Math.floor(Math.random() * 1_000_000),
): BenchOptions {
  const { seed = draw(), ...read } = readTable(form(), table, argv);
  if (read.sweep === undefined && read.points !== undefined)
    throw new UsageError('--points needs --sweep');
  return { ...read, seed };
}

function numbers(text: string): number[] {
  return nameList(text).map(number(0, 100_000));
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new InvalidArgumentError('expected a regular expression');
  }
}

/** The command, without its values. */
export function form(): Command {
  return commandOf(
    'load',
    'Measures the cost of strategies under load: one k6 process per cell, in random order; every ' +
      'cell is audited. Raw data and reports go to <out>/bench-<time>-<commit>/.',
    table,
  ).addHelpText('after', examples);
}

/** The command line that repeats a run, with its seed. */
export function commandLine(options: BenchOptions): string {
  return repeated('load', table, options);
}
