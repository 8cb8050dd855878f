/** The command line of `bench`. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { nameList, parsed, strategyList, UsageError } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';

/** Names of the sweeps, with the points that are run where none are named. */
export const sweeps = {
  contenders: [1, 8, 64, 256],
  keys: [1, 100, 10_000, 100_000],
  processes: [1, 2, 4, 8],
  hold: [0.1, 0.3, 1, 3],
  latency: [0, 1, 5],
  commit: [1, 0],
} as const satisfies Record<string, readonly number[]>;

export type Sweep = keyof typeof sweeps;

export interface BenchOptions {
  readonly scenarios: readonly string[];
  readonly strategies: readonly string[];
  readonly workloads: readonly string[];
  readonly spreads: readonly ('hot' | 'zipf' | 'uniform')[];
  readonly rate: number;
  readonly vus: number;
  readonly iterations: number;
  readonly duration: number | undefined;
  readonly warmUp: number;
  readonly keys: number;
  readonly commandsPerKey: number;
  readonly bystanders: number;
  readonly processes: number;
  readonly repetitions: number;
  readonly seed: number;
  readonly sweep: Sweep | undefined;
  /** Undefined: those of the sweep. */
  readonly points: readonly number[] | undefined;
  readonly filter: RegExp | undefined;
  /** A folder of an interrupted run: cells that are there are not run again. */
  readonly resume: string | undefined;
  readonly baseUrl: string | undefined;
  readonly out: string;
  readonly json: boolean;
}

const examples = `
Examples:
  npm run load -- --strategy redlock,row-lock --workload average
  npm run load -- --workload average,burst --spread hot,uniform --repetitions 5
  npm run load -- --workload average --bystanders 20
  npm run load -- --sweep latency --points 0,1,5 --strategy row-lock,atomic-update --scenario gift-card
  npm run load -- --resume results/bench-2026-11-22T05-00-00Z-1234567
  ADMIN_TOKEN=… npm run load -- --base-url http://127.0.0.1:3000 --strategy row-lock
  npm run floors                                     what the servers can do at most

Exit codes:
  ${exitCodes.asClaimed}    every cell was measured and audited, and none let through what it claims to prevent
  ${exitCodes.claimBroken}    a strategy let through what it claims to prevent
  ${exitCodes.usage}    the command line or a strategy file is wrong, or the service at --base-url runs
       another strategy; nothing ran
  ${exitCodes.inconclusive}    a cell is missing or was not audited
  ${exitCodes.missing}    there is no k6 and none can be had, or the service at --base-url does not answer
  ${exitCodes.interrupted}  interrupted: --resume goes on with it`;

interface Read extends Omit<BenchOptions, 'strategies' | 'seed' | 'json' | 'filter'> {
  readonly strategy?: readonly string[];
  readonly scenario: readonly string[];
  readonly workload: readonly string[];
  readonly spread: readonly ('hot' | 'zipf' | 'uniform')[];
  readonly seed?: number;
  readonly json?: true;
  readonly filter?: RegExp;
}

/** Reads arguments (without node and file). Throws `UsageError` and `HelpAsked`. */
export function readBenchOptions(
  argv: readonly string[],
  draw = (): number => Math.floor(Math.random() * 1_000_000),
): BenchOptions {
  const {
    strategy = [],
    scenario,
    workload,
    spread,
    seed,
    json,
    filter,
    ...rest
  } = parsed<Read>(form(), argv);
  if (rest.sweep === undefined && rest.points !== undefined)
    throw new UsageError('--points needs --sweep');
  return {
    ...rest,
    scenarios: scenario,
    strategies: strategy,
    workloads: workload,
    spreads: spread,
    filter,
    seed: seed ?? draw(),
    json: json ?? false,
  };
}

function oneOfEach(words: readonly string[]) {
  return (text: string): string[] => {
    const names = nameList(text);
    const unknown = names.filter(name => !words.includes(name));
    if (unknown.length === 0) return names;
    throw new InvalidArgumentError(
      `There is no ${unknown.join(', ')}; there are ${words.join(', ')}.`,
    );
  };
}

function number(min: number, max: number) {
  return (text: string): number => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Write a number from ${min} to ${max}.`);
  };
}

function numbers(text: string): number[] {
  return nameList(text).map(number(0, 100_000));
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new InvalidArgumentError('Write a regular expression for the names of cells.');
  }
}

/** The workloads of bench/load/k6/workloads.ts; a test holds the two lists together. */
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

/** The command line: help and validation follow from it. */
export function form(): Command {
  const option = (flags: string, text: string, parse: (text: string) => unknown): Option =>
    new Option(flags, text).argParser(parse);
  return new Command('lockstep load')
    .description(
      'Measures with k6 what strategies cost under load: one process of k6 per cell, in random order,\n' +
        'every cell audited. Raw data go to <out>/bench-<time>-<commit>/, the report beside it.',
    )
    .addOption(
      option('--scenario <list>', 'what callers contend for', text => nameList(text)).default([
        'appointment',
      ]),
    )
    .addOption(
      option('--strategy <list>', 'names and files, or all (default: as compare)', strategyList),
    )
    .addOption(
      option('--workload <list>', workloadNames.join(', '), oneOfEach(workloadNames)).default([
        'average',
      ]),
    )
    .addOption(
      option(
        '--spread <list>',
        'hot, zipf, uniform',
        oneOfEach(['hot', 'zipf', 'uniform']),
      ).default(['hot']),
    )
    .addOption(
      option('--rate <n>', 'commands per second of average', number(1, 100_000)).default(100),
    )
    .addOption(option('--vus <n>', 'callers', number(1, 400)).default(50))
    .addOption(
      option('--iterations <n>', 'per caller, in burst and closed', number(1, 10_000)).default(20),
    )
    .addOption(option('--duration <seconds>', 'of the load', number(1, 86_400)))
    .addOption(option('--warm-up <seconds>', 'before it, not counted', number(0, 600)).default(3))
    .addOption(
      option('--keys <n>', 'in use at a time, with zipf and uniform', number(1, 100_000)).default(
        1_000,
      ),
    )
    .addOption(option('--commands-per-key <n>', 'until a fresh one', number(1, 400)).default(8))
    .addOption(
      option(
        '--bystanders <n>',
        'commands per second on keys of their own',
        number(0, 1_000),
      ).default(0),
    )
    .addOption(option('--processes <n>', 'of the service', number(1, 16)).default(2))
    .addOption(
      option('--repetitions <n>', 'each in an order of its own', number(1, 100)).default(3),
    )
    .addOption(option('--seed <n>', 'repeats order and load', number(0, 999_999_999)))
    .addOption(new Option('--sweep <axis>', 'one axis').choices(Object.keys(sweeps)))
    .addOption(option('--points <list>', 'of the sweep', numbers))
    .addOption(option('--filter <pattern>', 'only cells whose name matches', pattern))
    .option('--resume <folder>', 'go on with an interrupted run')
    .option('--base-url <url>', 'a service elsewhere; ADMIN_TOKEN opens its audit')
    .option('--out <folder>', 'where results are written', 'results')
    .option('--json', 'print the summary as JSON')
    .helpOption('--help', 'print this')
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .showSuggestionAfterError();
}
