import type { ExploreOutcome } from './result.ts';

/** The exit codes of the command, for scripts; which kind of a 3 it is, is printed, in JSON as `outcome`. */
export const exitCodes: Readonly<Record<ExploreOutcome | 'usage' | 'missing', number>> = {
  safe: 0,
  unsafe: 1,
  usage: 2,
  inconclusive: 3,
  nondeterministic: 3,
  'budget-stopped': 3,
  'setup-failed': 3,
  independent: 0,
  'internal-error': 3,
  /** No server is named, and none can be started. */
  missing: 4,
};

/** Ctrl-C, SIGTERM or SIGHUP: the result so far is printed. */
export const interruptedCode = 130;
