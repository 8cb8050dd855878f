import { Command, InvalidArgumentError } from 'commander';
import { didYouMean } from './nearest.ts';
import type { Race } from './race.ts';
import { type EventKind, eventKinds } from './search/choice.ts';
import type { ExploreOptions } from './settings.ts';

/** The parsed flags, apart from the config file. */
export interface Flags {
  readonly database?: string;
  /** False: no Redis, though the environment names one. */
  readonly redis?: string | false;
  readonly events?: readonly EventKind[];
  readonly eventsMax?: number;
  readonly preemptions?: number | 'unbounded';
  readonly preemptionsWithEvent?: number | 'unbounded';
  readonly phases: boolean;
  readonly fuse: boolean;
  readonly reduce: boolean;
  readonly isolated?: true;
  readonly leaseSecondsMax?: number;
  readonly first?: true;
  readonly seconds?: number;
  readonly executions?: number;
  readonly random?: number;
  readonly seed: number;
  readonly replay?: string;
  readonly guided?: true;
  readonly json?: true;
  readonly markdown?: true;
  readonly svg?: string;
}

/** The command line of `explore race.config.ts`. */
export function commandLine(): Command {
  return new Command('explore')
    .description('Runs code on real servers in every order of its requests, and audits each.')
    .argument('<config>', 'a race.config.ts whose default export is a Race')
    .option('--database <url>', 'Postgres server on which databases may be created (DATABASE_URL)')
    .option('--redis <list>', 'empty Redis servers, separated by commas (REDIS_URL)')
    .option('--no-redis', 'the actors use no Redis')
    .option('--events <list>', `of ${eventKinds.join(', ')}; or none`, parseEvents)
    .option('--events-max <n>', 'events in one order (default: 1)', parseWhole)
    .option(
      '--preemptions <n>',
      'switches away from a caller that could continue, or "unbounded"',
      parseBound,
    )
    .option('--preemptions-with-event <n>', 'the same for orders with an event', parseBound)
    .option('--no-phases', 'do not split writing statements into snapshot and effect')
    .option('--no-fuse', 'make BEGIN, and each node of a Redlock acquire, a step of its own')
    .option('--no-reduce', 'with --preemptions unbounded: also run orders that cannot differ')
    .option('--isolated', 'functions share no memory, so their orders may be reduced, too')
    .option(
      '--lease-seconds-max <n>',
      'keys that live longer are not leases (default: 900)',
      parseNumber,
    )
    .option('--first', 'stop at the first counterexample')
    .option('--seconds <n>', 'stop after this long', parseNumber)
    .option('--executions <n>', 'stop after this many orders', parseWhole)
    .option('--random <n>', 'then run this many random schedules', parseWhole)
    .option('--seed <n>', 'seed of the random schedules', parseWhole, 1)
    .option('--replay <schedule>', 'run only this schedule, as it was printed')
    .option('--guided', 'with --replay: skip steps that are no longer possible')
    .option('--json', 'print the result as JSON')
    .option('--markdown', 'print the timeline as Markdown')
    .option('--svg <file>', 'write the timeline of a counterexample as an SVG image')
    .addHelpText(
      'after',
      '\n`explore init [file]` writes a config to start from.' +
        '\nServers that neither a flag nor the environment names are started, and ended afterwards.',
    )
    .allowExcessArguments(false)
    .showSuggestionAfterError()
    .showHelpAfterError('Run explore --help for all options.');
}

/** The names of all flags: `--events`, … */
export function flagNames(): string[] {
  const names = commandLine().options.flatMap(({ long }) => (long ? [long] : []));
  return [...names, '--help'];
}

/** The config's options, overridden by the flags. */
export function optionsOf(config: Race, flags: Flags): Omit<ExploreOptions, 'servers'> {
  const { events, eventsMax, preemptions, preemptionsWithEvent, random, seed } = flags;
  return {
    ...config,
    ...(events && { events }),
    ...(eventsMax !== undefined && { eventsMax }),
    ...(preemptions !== undefined && { preemptions }),
    ...(preemptionsWithEvent !== undefined && { preemptionsWithEvent }),
    ...(flags.seconds !== undefined && { secondsMax: flags.seconds }),
    ...(flags.executions !== undefined && { executionsMax: flags.executions }),
    ...(!flags.phases && { phases: false }),
    ...(!flags.fuse && { fuseBegin: false, fuseNodes: false }),
    ...(!flags.reduce && { reduce: false }),
    ...(flags.isolated && { isolated: true }),
    ...(flags.leaseSecondsMax !== undefined && { leaseSecondsMax: flags.leaseSecondsMax }),
    ...(flags.first && { firstOnly: true }),
    ...(random !== undefined && { random: { schedules: random, seed } }),
  };
}

function parseEvents(text: string): EventKind[] {
  if (text === 'none') return [];
  return text.split(',').map(word => {
    const kind = eventKinds.find(one => one === word.trim());
    if (kind !== undefined) return kind;
    throw new InvalidArgumentError(`no event '${word.trim()}'${didYouMean(word, eventKinds)}`);
  });
}

function parseBound(text: string): number | 'unbounded' {
  if (text === 'unbounded') return text;
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError('expected a whole number ≥ 0, or "unbounded"');
  return Number(text);
}

function parseWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number ≥ 0');
  return Number(text);
}

function parseNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number) || number < 0) {
    throw new InvalidArgumentError('expected a number ≥ 0');
  }
  return number;
}
