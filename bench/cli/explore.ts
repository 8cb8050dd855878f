/** `lockstep explore race.config.ts`: your own code in every order of its requests. */
import { runExploreCommand } from '../../src/explore/command.ts';
import { commandLine } from '../../src/explore/command-line.ts';
import { asksForHelp, exploreHelp } from '../explore/help.ts';
import { asksForStrategies } from '../explore/options.ts';
import { openExploreServers } from '../explore/servers.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import type { CliCommand } from './command.ts';
import { command as strategies } from './explore-strategies.ts';

export const command: CliCommand = {
  form: commandLine,
  async run(context) {
    const { argv, environment, signal, write, note } = context;
    if (asksForHelp(argv)) {
      write(exploreHelp());
      return exitCodes.asClaimed;
    }
    if (asksForStrategies(argv)) return strategies.run(context);
    return runExploreCommand(argv, {
      write,
      databaseUrl: environment.DATABASE_URL || undefined,
      redisUrl: environment.REDIS_URL || undefined,
      openServers: named => openExploreServers(named, { note, signal }),
      signal,
    });
  },
};
