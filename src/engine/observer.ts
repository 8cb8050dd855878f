import type { FailureCode, Outcome, ReleaseEnd } from '../contract/index.ts';

/** What an attempt spent its time on. `wait`: until the deciding read answered, without `pool`. */
export type AttemptPhase = 'pool' | 'wait' | 'hold' | 'commit';

export const attemptPhases: readonly AttemptPhase[] = ['pool', 'wait', 'hold', 'commit'];

/** Which cell a measurement belongs to. */
export interface Cell {
  readonly scenario: string;
  readonly variant: string;
  readonly strategy: string;
}

/** Told by the engine what happened; measures, and never throws. */
export interface Observer {
  phase(cell: Cell, phase: AttemptPhase, seconds: number): void;
  /** An attempt ended with this failure; the command may go on. */
  failure(cell: Cell, code: FailureCode, error: unknown): void;
  release(cell: Cell, end: ReleaseEnd): void;
  /** A further attempt begins after one that had already sent something outside the database. */
  retryAfterEffect(cell: Cell): void;
  /** A command ended. `seconds` run from its arrival, all attempts inside. */
  outcome(cell: Cell, outcome: Outcome, seconds: number, auditKey: string): void;
}
