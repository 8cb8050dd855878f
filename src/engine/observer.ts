import type { FailureCode, Outcome, ReleaseEnd } from '../contract/index.ts';

export const attemptPhases = ['pool', 'wait', 'hold', 'commit'] as const;

/** Where an attempt spent its time. `wait`: until the deciding read returned, excluding `pool`. */
export type AttemptPhase = (typeof attemptPhases)[number];

/** The cell a measurement belongs to. */
export interface Cell {
  readonly scenario: string;
  readonly variant: string;
  readonly strategy: string;
}

/** Receives events from the engine; must never throw. */
export interface Observer {
  phase(cell: Cell, phase: AttemptPhase, seconds: number): void;
  /** An attempt failed; the command may be retried. */
  failure(cell: Cell, code: FailureCode, error: unknown): void;
  release(cell: Cell, end: ReleaseEnd): void;
  /** A lock that the command can do without was asked for; see rollout/shadow.ts. */
  tried?(cell: Cell, end: 'granted' | FailureCode): void;
  /** An attempt that sent a request outside the database has ended, however it did. */
  reachedOut(cell: Cell, auditKey: string): void;
  /**
   * A command that sent a request outside the database did not, or may not have, committed. Not
   * called where the effect is idempotent.
   */
  effectWithoutRecord(cell: Cell): void;
  /** A command ended. `seconds` counts from its arrival and covers all attempts. */
  outcome(cell: Cell, outcome: Outcome, seconds: number, auditKey: string): void;
}
