/** `lockstep serve`: the booking service; its settings come from the environment. */
import { Command } from 'commander';
import { parsed } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import type { CliCommand } from './command.ts';

function form(): Command {
  return new Command('lockstep serve')
    .description(
      'Starts the booking service on 127.0.0.1. Postgres and Redis are started where DATABASE_URL,\n' +
        'REDIS_URL and REDIS_NODES do not name them. All settings: docs/operations.md.',
    )
    .allowExcessArguments(false);
}

export const command: CliCommand = {
  form,
  async run({ argv }) {
    parsed(form(), argv);
    await import('../../src/main.ts'); // its signals are its own
    return exitCodes.asClaimed;
  },
};
