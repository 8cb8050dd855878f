import type { Choice } from './choice.ts';
import type { Footprint } from './footprint.ts';

/** What a search sees before each choice. */
export interface DecisionPoint {
  readonly choices: readonly Choice[];
  /** The actor that took the last step. */
  readonly previous: number | undefined;
  /** What the last step touched; undefined when unknown, which depends on everything. */
  readonly touched: Footprint | undefined;
  /**
   * The last step freed one of several waiters: which of them goes first is the server's choice, and
   * another run may reach another point.
   */
  readonly raced?: boolean;
}

/** A run met other steps than the one it repeats: there can be no verdict. */
export class Nondeterministic extends Error {
  override readonly name = 'Nondeterministic';
}

/** Thrown by an execution that ran out of time: it does not count. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
}
