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
   * The last step freed somebody while others waited, too: which of them goes first is the server's
   * choice, and another run may come to another point.
   */
  readonly raced?: boolean;
}

/** A replay met other steps than the run that it repeats: no verdict may rest on it. */
export class Nondeterministic extends Error {
  override readonly name = 'Nondeterministic';
}

/** Thrown by an execution whose time was over before it ended: it counts as nothing. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
}
