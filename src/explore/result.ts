import type { ExecutionRecord } from './run/stage.ts';
import type { EventKind } from './search/choice.ts';
import type { Bound, Cost } from './search/cost.ts';

export type ExploreOutcome =
  | 'safe'
  | 'unsafe'
  | 'inconclusive'
  | 'nondeterministic'
  | 'budget-stopped'
  | 'setup-failed';

export interface Counterexample {
  /** `v2:…`: give it to `replay`. */
  readonly schedule: string;
  readonly cost: Cost;
  readonly record: ExecutionRecord;
}

/** Schedules drawn at random when the budget was used up. */
export interface Sampled {
  readonly schedules: number;
  /** How many of them differ from one another. */
  readonly different: number;
  readonly violating: number;
  readonly seed: number;
}

/** The orders in which one kind of event happened, or none did. */
export interface Part {
  /** `none`, or the kinds of the schedule's events, `+` between several. */
  readonly event: 'none' | EventKind | `${EventKind}+${string}`;
  readonly orders: number;
  readonly violating: number;
  /** The same apart by what the actors were told and what was found, as in `Exploration.ends`. */
  readonly ends: ReadonlyMap<string, PartEnds>;
  readonly counterexample: Counterexample | undefined;
}

export interface PartEnds {
  readonly orders: number;
  readonly violating: number;
}

export interface Exploration {
  /** The actors' names, in the order of their letters. */
  readonly actors: readonly string[];
  readonly outcome: ExploreOutcome;
  /** Why there is no verdict, or what was found. */
  readonly why: string;
  /** Ended by `signal`: it holds what was found until then. */
  readonly interrupted?: true;
  /** Orders that ran to their end, each different from the others. */
  readonly orders: number;
  readonly violating: number;
  /** Orders given up because an equivalent one is counted. */
  readonly pruned: number;
  /** Every order within the bound was visited. */
  readonly exhausted: boolean;
  /** There are orders beyond the bound. */
  readonly cut: boolean;
  readonly bound: Bound;
  /** Share of the search that is done; 1 when exhausted. */
  readonly covered: number;
  /** How often each combination of the actors' ends and the audit's finding was seen. */
  readonly parts: readonly Part[];
  readonly ends: ReadonlyMap<string, number>;
  readonly assumptions: readonly string[];
  readonly counterexample: Counterexample | undefined;
  /** Only where the budget ended the search and `random` was asked for. */
  readonly sampled: Sampled | undefined;
}
