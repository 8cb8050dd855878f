/** `lockstep explore-strategies`: strategies in every order of a few callers, held to their claims. */
import { exploreStrategies } from '../explore/command.ts';
import { strategiesForm } from '../explore/options.ts';
import type { CliCommand } from './command.ts';

export const command: CliCommand = {
  form: strategiesForm,
  kept: 'No order was run before.',
  run: ({ argv, ...surroundings }) => exploreStrategies(argv, surroundings),
};
