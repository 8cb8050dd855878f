/** `lockstep serve`: starts the booking service, configured by the environment. */
import type { Command } from 'commander';
import { commandOf, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import type { CliCommand } from './command.ts';

function form(): Command {
  return commandOf(
    'serve',
    'Starts the booking service on 127.0.0.1. Starts Postgres and Redis too, unless DATABASE_URL, ' +
      'REDIS_URL and REDIS_NODES name them. The README lists all settings.',
  );
}

export const command: CliCommand = {
  form,
  async run({ argv }) {
    readTable(form(), {}, argv);
    await import('../../src/main.ts'); // handles signals itself
    return exitCodes.asClaimed;
  },
};
