import { type ExitCode, exitCodes } from '../lab/exit-codes.ts';
import type { FaultsRun } from './schema.ts';
import { verdictOf } from './verdict.ts';

/** `ci`: what a machine of a pipeline lacks is a failure, elsewhere a note. */
export function faultsExit(run: FaultsRun, ci: boolean): ExitCode {
  if (run.end === 'interrupted') return exitCodes.interrupted;
  const verdicts = run.cells.map(cell => verdictOf(run, cell).verdict);
  if (verdicts.includes('contradicts')) return exitCodes.claimBroken;
  if (run.end === 'broken off' || verdicts.includes('inconclusive')) return exitCodes.inconclusive;
  if (ci && verdicts.includes('skipped')) return exitCodes.missing;
  return verdicts.includes('as predicted') ? exitCodes.asClaimed : exitCodes.inconclusive;
}
