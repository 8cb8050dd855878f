/** The command line of `faults`. */
import type { Command } from 'commander';
import {
  commandOf,
  type OptionValues,
  option,
  readTable,
  repeated,
  UsageError,
} from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { nameList, number, oneOfEach, strategyList, whole } from '../lab/option-values.ts';
import { jsonOption, outOption, resumeOption, seedOption } from '../lab/usual-options.ts';
import { type Phase, phases, phaseTexts } from './phases.ts';

const table = {
  /** Names and paths; empty: one per family. */
  strategies: option<readonly string[]>({
    flags: '--strategy <list>',
    text: 'comma-separated names and files, or all (default: one or two per family); controls take part always',
    read: strategyList,
    fallback: [],
    silent: true,
  }),
  /** Names; empty for all. */
  faults: option<readonly string[]>({
    flags: '--fault <list>',
    text: 'comma-separated faults, or all (default: all); --list shows them',
    read: nameList,
    fallback: [],
    silent: true,
  }),
  /** Empty: of each fault the worst that a strategy has. */
  phases: option<readonly Phase[]>({
    flags: '--phase <list>',
    text: `comma-separated: ${phases.join(', ')} (default: the worst of each fault)`,
    read: oneOfEach('phase', phases),
    fallback: [],
    silent: true,
  }),
  scenario: option<string>({
    flags: '--scenario <name>',
    text: 'whose commands are struck',
    fallback: 'gift-card',
  }),
  variant: option<string>({
    flags: '--variant <name>',
    text: 'of the scenario',
    fallback: 'plain',
  }),
  leaseMs: whole(
    '--lease-ms <n>',
    'lease of the service; pauses and waits follow from it',
    [500, 60_000],
    1_500,
  ),
  seed: seedOption('load'),
  /** Undefined: every cell once. */
  soak: option<number | undefined>({
    flags: '--soak <minutes>',
    text: 'strike cell after cell for so long, and look at memory and files of every process in between',
    read: number(0.1, 600),
    fallback: undefined,
  }),
  list: option<boolean>({
    flags: '--list',
    text: 'print the faults with their phases and what they need, and end',
    fallback: false,
    notRepeated: true,
  }),
  out: outOption('results'),
  resume: resumeOption('faults.json', 'cells'),
  json: jsonOption,
};

/** The parsed command line. */
export interface FaultsOptions extends Omit<OptionValues<typeof table>, 'seed'> {
  readonly seed: number;
}

const examples = `
Phases of a command:
${phases.map(phase => `  ${phase.padEnd(15)} ${phaseTexts[phase]}`).join('\n')}

Examples:
  npm run faults                                               the default set
  npm run faults -- --list                                     what there is
  npm run faults -- --fault holder-killed --strategy row-lock,redis-lease
  npm run faults -- --fault holder-paused --phase 'commit sent,holding'
  npm run faults -- --soak 30                                  does anything leak?

Servers are always started: those that DATABASE_URL, REDIS_URL and REDIS_NODES name are never struck.

Exit codes:
  ${exitCodes.asClaimed}    every cell is as predicted
  ${exitCodes.claimBroken}    a cell contradicts its prediction; with --soak also: something leaks
  ${exitCodes.usage}    the command line is wrong; nothing ran
  ${exitCodes.inconclusive}    inconclusive: a fault harmed nobody, a phase was not reached, or an error ended the run
  ${exitCodes.missing}    in CI: a fault was skipped because something is missing here
  ${exitCodes.interrupted}  interrupted: what was judged is kept; --resume goes on`;

const seedsMax = 1_000_000;

/** Parses arguments (without node and file). Throws `UsageError` and `HelpAsked`. */
export function readFaultsOptions(
  argv: readonly string[],
  drawSeed = () => Math.floor(Math.random() * seedsMax),
): FaultsOptions {
  const { seed = drawSeed(), ...rest } = readTable(form(), table, argv);
  if (rest.soak !== undefined && rest.resume !== undefined)
    throw new UsageError('a soak cannot be resumed: leave out --resume, or --soak');
  return { ...rest, seed };
}

/** The command, without its values. */
export function form(): Command {
  return commandOf(
    'faults',
    'Strikes one command of each strategy in a chosen phase while load goes on, heals, and judges by the ' +
      'audit and by a record of every acknowledgement. Results go to <out>/faults-<time>-<commit>/.',
    table,
  ).addHelpText('after', examples);
}

/** The command line that repeats a run. */
export function commandLine(options: FaultsOptions): string {
  return repeated('faults', table, options);
}
