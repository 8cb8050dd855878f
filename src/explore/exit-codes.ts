import type { ExploreOutcome } from './result.ts';

/** What a script can tell from the end of the command; 2 is a mistake in its arguments. */
export const exitCodes: Readonly<Record<ExploreOutcome, number>> = {
  safe: 0,
  unsafe: 1,
  inconclusive: 3,
  nondeterministic: 4,
  'budget-stopped': 5,
  'setup-failed': 6,
};
