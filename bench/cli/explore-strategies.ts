/** `lockstep explore-strategies`: runs every order of a few callers and checks each strategy's claim. */
import { exploreStrategies } from '../explore/command.ts';
import { strategiesForm } from '../explore/options.ts';
import type { CliCommand } from './command.ts';

export const command: CliCommand = {
  form: strategiesForm,
  kept: 'No order had been run.',
  run: ({ argv, ...surroundings }) => exploreStrategies(argv, surroundings),
};
