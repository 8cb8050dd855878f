/** `lockstep serve`: starts the booking service, configured by the environment. */
import { Command } from 'commander';
import { parsed } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import type { CliCommand } from './command.ts';

function form(): Command {
  return new Command('lockstep serve')
    .description(
      'Starts the booking service on 127.0.0.1. Starts Postgres and Redis too, unless DATABASE_URL,\n' +
        'REDIS_URL and REDIS_NODES name them. The README lists all settings.',
    )
    .allowExcessArguments(false);
}

export const command: CliCommand = {
  form,
  async run({ argv }) {
    parsed(form(), argv);
    await import('../../src/main.ts'); // handles signals itself
    return exitCodes.asClaimed;
  },
};
