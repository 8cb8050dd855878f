/** The command line of `explore` for strategies. */
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { isStrategyPath } from '../../src/engine/registry.ts';
import { flagNames } from '../../src/explore/command-line.ts';
import { didYouMean, nearest } from '../../src/explore/nearest.ts';
import { type EventKind, eventKinds } from '../../src/explore/search/choice.ts';
import {
  commandOf,
  type OptionValues,
  option,
  readTable,
  repeated,
  UsageError,
} from '../lab/command-line.ts';
import { flag, nameList, strategyList, whole, wholeNumber } from '../lab/option-values.ts';
import { type Reach, usualReach } from './spec.ts';

const workersMax = 8;
const actorsMax = 5;
const usualEvents = usualReach.events.join(',');

const table = {
  scenario: option<string>({
    flags: '--scenario <name>',
    text: 'scenario',
    fallback: 'appointment',
  }),
  /** Undefined: all variants of the scenario. */
  variant: option<string | undefined>({
    flags: '--variant <name>',
    text: 'variant of the scenario (default: all)',
    fallback: undefined,
  }),
  strategy: option<readonly string[] | undefined>({
    flags: '--strategy <list>',
    text: 'comma-separated names and files',
    read: strategyList,
    fallback: undefined,
  }),
  all: flag('--all', 'every strategy'),
  pairs: flag('--pairs', 'every pair of strategies, one caller under each'),
  actors: whole('--actors <n>', 'number of callers', [1, actorsMax], 2),
  /** Names; empty for all, or for plain rounds with `pairs`. */
  rounds: option<readonly string[]>({
    flags: '--round <list>',
    text:
      "rounds: plain, those of the scenario's load (couple, scarce, opposite), double-tap, same-key, " +
      'combined with +; or all (default: all; plain with --pairs)',
    read: nameList,
    fallback: [],
    silent: true,
  }),
  doubleTap: flag('--double-tap', 'same as --round double-tap'),
  couple: flag(
    '--couple',
    'same as --round couple (appointment); with --double-tap: couple+double-tap',
  ),
  /** Undefined: the usual ones. */
  events: option<readonly EventKind[] | undefined>({
    flags: '--events <list>',
    text: `events: ${eventKinds.join(', ')}; or none (default: ${usualEvents})`,
    read: kinds,
    fallback: undefined,
  }),
  preemptions: option<number | undefined>({
    flags: '--preemptions <n>',
    text: 'at most so many switches away from a caller that could continue',
    read: wholeNumber(0, 99),
    fallback: undefined,
  }),
  unbounded: flag('--unbounded', 'every order; equivalent orders are run once'),
  phases: option<boolean>({
    flags: '--no-phases',
    text: 'do not split statements into snapshot and effect',
    fallback: true,
  }),
  fuse: option<boolean>({
    flags: '--no-fuse',
    text: 'make BEGIN, and each node of one Redlock acquire, a separate step',
    fallback: true,
  }),
  first: flag('--first', 'stop at the first counterexample'),
  seconds: whole('--seconds <n>', 'time limit for all cells together', [1, 86_400], 900),
  cellSeconds: whole('--cell-seconds <n>', 'time limit for each cell', [1, 86_400], 300),
  workers: whole(
    '--workers <n>',
    'number of explorer processes',
    [1, workersMax],
    Math.min(2, availableParallelism()),
  ),
  /** Undefined: if a single strategy is named. */
  timelines: option<boolean | undefined>({
    flags: '--timelines',
    text: 'print the shortest counterexample of each cell',
    fallback: undefined,
    notRepeated: true,
  }),
  json: option<boolean>({
    flags: '--json',
    text: 'print the result as JSON',
    fallback: false,
    notRepeated: true,
  }),
};
type Read = OptionValues<typeof table>;

/** The parsed command line. `strategies`: names and paths; empty for all. */
export interface ExploreOptions
  extends Pick<
    Read,
    | 'scenario'
    | 'variant'
    | 'pairs'
    | 'actors'
    | 'rounds'
    | 'doubleTap'
    | 'couple'
    | 'seconds'
    | 'cellSeconds'
    | 'workers'
    | 'json'
  > {
  readonly strategies: readonly string[];
  readonly reach: Reach;
  readonly timelines: boolean;
  /** The command line that repeats it. */
  readonly command: string;
}

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
  const read = readTable(strategiesForm(), table, argv);
  if (!read.all && !read.pairs && read.strategy === undefined)
    throw new UsageError('no strategy given; use --strategy <list>, --all or --pairs');
  return {
    ...read,
    strategies: read.strategy ?? [],
    reach: reachOf(read),
    timelines: read.timelines ?? read.strategy?.length === 1,
    command: repeated('explore-strategies', table, read),
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
    firstOnly: read.first,
  };
}

/** The command line of this form. */
export function strategiesForm(): Command {
  return commandOf(
    'explore-strategies',
    'Runs callers of one key under a strategy in every order of their requests within a bound, ' +
      'on real servers, and audits each order.',
    table,
  );
}

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
