import { Command, InvalidArgumentError } from 'commander';
import { didYouMean } from './nearest.ts';
import type { Race } from './race.ts';
import { type EventKind, eventKinds } from './search/choice.ts';
import type { ExploreOptions } from './settings.ts';

/** What the command line says beside the file. */
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
    .option('--database <url>', 'a Postgres on which databases may be made (DATABASE_URL)')
    .option('--redis <list>', 'empty Redis databases, with commas between (REDIS_URL)')
    .option('--no-redis', 'the actors use no Redis')
    .option('--events <list>', `of ${eventKinds.join(', ')}; or none`, parseEvents)
    .option('--events-max <n>', 'events in one order (default: 1)', parseWhole)
    .option('--preemptions <n>', 'switches away from who could go on, or "unbounded"', parseBound)
    .option('--preemptions-with-event <n>', 'the same beside an event', parseBound)
    .option('--no-phases', 'do not split statements into snapshot and effect')
    .option('--no-fuse', 'BEGIN, and each node of one Redlock acquire, is a step of its own')
    .option('--no-reduce', 'with --preemptions unbounded: run orders that cannot differ, too')
    .option('--isolated', 'functions share no memory, so orders may be reduced for them, too')
    .option(
      '--lease-seconds-max <n>',
      'keys that live longer are no leases (default: 900)',
      parseNumber,
    )
    .option('--first', 'stop at the first counterexample')
    .option('--seconds <n>', 'stop after this long', parseNumber)
    .option('--executions <n>', 'stop after so many', parseWhole)
    .option('--random <n>', 'then run so many random schedules', parseWhole)
    .option('--seed <n>', 'of the random schedules', parseWhole, 1)
    .option('--replay <schedule>', 'run one schedule, as it was printed, instead')
    .option('--guided', 'with --replay: leave out what is no longer possible')
    .option('--json', 'print the result as JSON')
    .option('--markdown', 'print the timeline as Markdown')
    .option('--svg <file>', 'write the timeline of a counterexample as a picture')
    .addHelpText(
      'after',
      '\nServers that neither a flag nor the environment names are started, and ended afterwards.',
    )
    .allowExcessArguments(false)
    .showSuggestionAfterError()
    .showHelpAfterError('explore --help shows all that can be said.');
}

/** The names of its flags: `--events`, … */
export function flagNames(): string[] {
  const names = commandLine().options.flatMap(({ long }) => (long ? [long] : []));
  return [...names, '--help'];
}

/** What the config says, with what the flags say in its place. */
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
