/** The command line of `explore` for strategies. */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { isStrategyPath } from '../../src/engine/registry.ts';
import { flagNames } from '../../src/explore/command-line.ts';
import { didYouMean, nearest } from '../../src/explore/nearest.ts';
import { type EventKind, eventKinds } from '../../src/explore/search/choice.ts';
import { nameList, parsed, strategyList, UsageError, wholeNumber } from '../lab/command-line.ts';
import { type Reach, usualReach } from './spec.ts';

export interface ExploreOptions {
  readonly scenario: string;
  /** Undefined: all variants of the scenario. */
  readonly variant: string | undefined;
  /** Names and paths; empty for all. */
  readonly strategies: readonly string[];
  readonly pairs: boolean;
  readonly actors: number;
  /** Names; empty for all, or for plain rounds with `pairs`. */
  readonly rounds: readonly string[];
  readonly doubleTap: boolean;
  readonly couple: boolean;
  readonly reach: Reach;
  readonly seconds: number;
  readonly cellSeconds: number;
  readonly workers: number;
  readonly timelines: boolean;
  readonly json: boolean;
}

interface Read {
  readonly scenario: string;
  readonly variant?: string;
  readonly strategy?: readonly string[];
  readonly all?: true;
  readonly pairs?: true;
  readonly actors: number;
  readonly round?: readonly string[];
  readonly doubleTap?: true;
  readonly couple?: true;
  readonly events?: readonly EventKind[];
  readonly preemptions?: number;
  readonly unbounded?: true;
  readonly phases: boolean;
  readonly fuse: boolean;
  readonly first?: true;
  readonly seconds: number;
  readonly cellSeconds: number;
  readonly workers: number;
  readonly timelines?: true;
  readonly json?: true;
}

const workersMax = 8;
const actorsMax = 5;

/** Whether the arguments are for exploring strategies and not a race.config.ts; tolerates typos. */
export function asksForStrategies(argv: readonly string[]): boolean {
  const ours = ['--scenario', '--strategy', '--all', '--pairs'];
  const flags = argv.flatMap(word => (word.startsWith('--') ? [word.split('=')[0] ?? ''] : []));
  if (flags.some(flag => ours.includes(flag))) return true;
  const theirs = flagNames();
  const unknown = flags.filter(flag => !theirs.includes(flag));
  return unknown.some(flag => ours.includes(nearest(flag, [...theirs, ...ours]) ?? ''));
}

/** Parses arguments (without node and file). Throws `UsageError` and `HelpAsked`. */
export function readExploreOptions(argv: readonly string[]): ExploreOptions {
  const read = parsed<Read>(strategiesForm(), argv);
  if (!read.all && !read.pairs && read.strategy === undefined)
    throw new UsageError('no strategy given; use --strategy <list>, --all or --pairs');
  return {
    scenario: read.scenario,
    variant: read.variant,
    strategies: read.strategy ?? [],
    pairs: read.pairs ?? false,
    actors: read.actors,
    rounds: read.round ?? [],
    doubleTap: read.doubleTap ?? false,
    couple: read.couple ?? false,
    reach: reachOf(read),
    seconds: read.seconds,
    cellSeconds: read.cellSeconds,
    workers: read.workers,
    timelines: read.timelines ?? read.strategy?.length === 1,
    json: read.json ?? false,
  };
}

function reachOf(read: Read): Reach {
  const preemptions = read.unbounded ? 'unbounded' : (read.preemptions ?? usualReach.preemptions);
  return {
    // pairs explore no events by default: who holds which lock matters, and there are many cells
    events: read.events ?? (read.pairs ? [] : usualReach.events),
    preemptions,
    preemptionsWithEvent:
      preemptions === 'unbounded'
        ? preemptions
        : Math.min(preemptions, Number(usualReach.preemptionsWithEvent)),
    phases: read.phases,
    fuse: read.fuse,
    firstOnly: read.first ?? false,
  };
}

/** The command line of this form. */
export function strategiesForm(): Command {
  return new Command('lockstep explore-strategies')
    .description(
      'Runs callers of one key under a strategy in every order of their requests within a bound, ' +
        'on real servers, and audits each order.',
    )
    .option('--scenario <name>', 'scenario', 'appointment')
    .option('--variant <name>', 'variant of the scenario (default: all)')
    .option('--strategy <list>', 'comma-separated names and files', strategyList)
    .option('--all', 'every strategy')
    .option('--pairs', 'every pair of strategies, one caller under each')
    .option('--actors <n>', 'number of callers', wholeNumber(1, actorsMax), 2)
    .option(
      '--round <list>',
      "rounds: plain, those of the scenario's load (couple, scarce, opposite), double-tap, same-key,\n" +
        'combined with +; or all (default: all; plain with --pairs)',
      nameList,
    )
    .option('--double-tap', 'same as --round double-tap')
    .option(
      '--couple',
      'same as --round couple (appointment); with --double-tap: couple+double-tap',
    )
    .option(
      '--events <list>',
      `events: ${eventKinds.join(', ')}; or none (default: ${usualEvents})`,
      kinds,
    )
    .option(
      '--preemptions <n>',
      'at most so many switches away from a caller that could continue',
      wholeNumber(0, 99),
    )
    .option('--unbounded', 'every order; equivalent orders are run once')
    .option('--no-phases', 'do not split statements into snapshot and effect')
    .option('--no-fuse', 'make BEGIN, and each node of one Redlock acquire, a separate step')
    .option('--first', 'stop at the first counterexample')
    .option('--seconds <n>', 'time limit for all cells together', wholeNumber(1, 86_400), 900)
    .option('--cell-seconds <n>', 'time limit for each cell', wholeNumber(1, 86_400), 300)
    .option(
      '--workers <n>',
      'number of explorer processes',
      wholeNumber(1, workersMax),
      Math.min(2, availableParallelism()),
    )
    .option('--timelines', 'print the shortest counterexample of each cell')
    .option('--json', 'print the result as JSON')
    .allowExcessArguments(false)
    .showSuggestionAfterError();
}

const usualEvents = usualReach.events.join(',');

function kinds(text: string): EventKind[] {
  if (text === 'none') return [];
  return nameList(text).map(name => {
    const kind = eventKinds.find(one => one === name);
    if (kind === undefined)
      throw new InvalidArgumentError(`no event '${name}'${didYouMean(name, eventKinds)}`);
    return kind;
  });
}

/** The files among the values of `--strategy`. */
export function strategyFiles(options: ExploreOptions): string[] {
  return options.strategies.filter(isStrategyPath);
}
