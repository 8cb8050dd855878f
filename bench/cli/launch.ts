/** Runs one command: signals, help, usage errors and exit codes work the same for all. */

import { ConfigError } from '../../src/config.ts';
import { RegistryError } from '../../src/engine/registry.ts';
import { errorMessage } from '../../src/error-message.ts';
import { interruption, leave } from '../../src/explore/interruption.ts';
import { K6Missing, parentGone, ServerUnusable } from '../../src/services/index.ts';
import { HelpAsked, UsageError } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { UnreadableRun } from '../lab/files.ts';
import { TargetUnusable } from '../load/remote.ts';
import type { CliCommand, CommandContext } from './command.ts';

const mistakes = [UsageError, RegistryError, ConfigError, UnreadableRun];
const missing = [K6Missing, ServerUnusable, TargetUnusable];

/** Runs the command and ends this process with its exit code. `name`: as typed. */
export async function launch(name: string, command: CliCommand, argv: readonly string[]) {
  const write = (text: string): void => void process.stdout.write(text);
  const note = (line: string): void => void process.stderr.write(`${line}\n`);
  process.stdout.on('error', () => {}); // the reader of a pipe may close it early
  const told = interruption(text => process.stderr.write(text), exitCodes.interrupted);
  const signal = AbortSignal.any([told, parentGone()]);
  const context = { argv, environment: process.env, signal, write, note };
  leave(await ended(name, command, context));
}

async function ended(name: string, command: CliCommand, context: CommandContext): Promise<number> {
  const { note, write, signal } = context;
  try {
    refuseSwallowed(name, command, context);
    return await command.run(context);
  } catch (error) {
    if (error instanceof HelpAsked) {
      write(error.text);
      return exitCodes.asClaimed;
    }
    if (signal.aborted) {
      note(`Interrupted. ${command.kept ?? 'Nothing was written.'}`);
      return exitCodes.interrupted;
    }
    note(errorMessage(error));
    if (mistakes.some(kind => error instanceof kind)) {
      note(`See: lockstep ${name} --help`);
      return exitCodes.usage;
    }
    if (error instanceof TargetUnusable && error.why === 'other strategy') return exitCodes.usage;
    return missing.some(kind => error instanceof kind) ? exitCodes.missing : exitCodes.inconclusive;
  }
}

/**
 * `npm run compare --strategy redlock`, without the `--`: npm takes such flags as its own settings, and
 * the command would run without them. `--json` is excluded: npm has a setting of that name.
 */
function refuseSwallowed(
  name: string,
  command: CliCommand,
  { argv, environment }: CommandContext,
): void {
  if (environment.npm_lifecycle_event === undefined) return;
  const swallowed = command.form().options.flatMap(({ long }) => {
    const value = environment[`npm_config_${(long ?? '').slice(2).replaceAll('-', '_')}`];
    if (!long || value === undefined || value === '' || long === '--json') return [];
    return argv.some(word => word === long || word.startsWith(`${long}=`)) ? [] : [long];
  });
  if (swallowed.length === 0) return;
  throw new UsageError(
    `npm consumed ${swallowed.join(', ')}. Put -- before the options: ` +
      `npm run ${environment.npm_lifecycle_event} -- ${swallowed[0]} …  (or npx lockstep ${name})`,
  );
}
