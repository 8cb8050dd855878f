/** `explore --help`: both forms of the command. */
import { commandLine as configForm } from '../../src/explore/command-line.ts';
import { asksForStrategies, strategiesForm } from './options.ts';

/** Help without a word that tells which form is meant; with one, that form prints its own. */
export function asksForHelp(argv: readonly string[]): boolean {
  return argv.some(word => word === '--help' || word === '-h') && !asksForStrategies(argv);
}

/** What both forms can do. */
export function exploreHelp(): string {
  return `Explores every order of a few callers on real servers. There are two forms.

1. Your own code: explore race.config.ts [options]

${configForm().helpInformation()}
2. The strategies of this project: explore --scenario <name> --strategy <list> [options]

${strategiesForm().helpInformation()}
Servers that neither a flag nor DATABASE_URL, REDIS_URL and REDIS_NODES name are started, and ended
afterwards. The exit code is 0 where all is well, 1 where an order is wrong, 2 for a mistake in the
arguments and 130 when interrupted; the other codes are in docs/find-a-race.md.
`;
}
