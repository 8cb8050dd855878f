/** The help of `explore`, for both forms of the command. */
import { commandLine as configForm } from '../../src/explore/command-line.ts';
import { asksForStrategies, strategiesForm } from './options.ts';

/** Whether help is requested without an option that selects a form; otherwise that form prints its own. */
export function asksForHelp(argv: readonly string[]): boolean {
  return argv.some(word => word === '--help' || word === '-h') && !asksForStrategies(argv);
}

/** The help text for both forms. */
export function exploreHelp(): string {
  return `Explores every order of a few callers on real servers. There are two forms.

1. Your own code: explore race.config.ts [options]

${configForm().helpInformation()}
2. Lock strategies: explore --scenario <name> --strategy <list> [options]

${strategiesForm().helpInformation()}
Servers not named by an option or by DATABASE_URL, REDIS_URL and REDIS_NODES are started, and stopped
afterwards. Exit codes: 0 all orders are as claimed, 1 an order violates, 2 usage error, 130
interrupted; the others are in docs/find-a-race.md.
`;
}
