import type { ExploreOutcome } from './result.ts';

/** The exit codes of the command, for scripts. */
export const exitCodes: Readonly<Record<ExploreOutcome | 'usage', number>> = {
  safe: 0,
  unsafe: 1,
  usage: 2,
  inconclusive: 3,
  nondeterministic: 4,
  'budget-stopped': 5,
  'setup-failed': 6,
  independent: 0,
  'internal-error': 7,
};

/** Ctrl-C, SIGTERM or SIGHUP: the result so far is printed. */
export const interruptedCode = 130;
