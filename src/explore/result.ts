import type { Counterexample } from './counterexample.ts';
import type { Doubt } from './doubts.ts';
import type { Explanation } from './explain/explain.ts';
import type { EventKind } from './search/choice.ts';
import type { Bound } from './search/cost.ts';
import type { SerialReport } from './serial/judged-orders.ts';
import type { Told } from './told.ts';

export type ExploreOutcome =
  | 'safe'
  | 'unsafe'
  | 'inconclusive'
  | 'nondeterministic'
  | 'budget-stopped'
  | 'setup-failed'
  /** `expect: 'independent'` holds: every order satisfies the audit, and the callers never meet. */
  | 'independent'
  /** Our own code failed. */
  | 'internal-error';

/** Schedules drawn at random when the budget was used up. */
export interface Sampled {
  readonly schedules: number;
  /** How many of them differ from one another. */
  readonly different: number;
  readonly violating: number;
  readonly seed: number;
}

/** The orders with one kind of event, or with none. */
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

/** Callers that affected each other, and how. */
export interface Met {
  /** Their names; only one where it is not known whom it met. */
  readonly actors: readonly string[];
  readonly how: string;
}

export interface Exploration {
  /** The actors' names, in the order of their letters. */
  readonly actors: readonly string[];
  readonly outcome: ExploreOutcome;
  /** What was found, or why there is no verdict. */
  readonly why: string;
  /** Interrupted by `signal`: the result covers what was found until then. */
  readonly interrupted?: true;
  /** What to change to get a plain verdict. */
  readonly advice: string | undefined;
  /** The error of our own code with its stack, where `internal-error` is the outcome. */
  readonly cause: string | undefined;
  /** Why "every order satisfies the audit" would say less than it seems to. */
  readonly doubts: readonly Doubt[];
  /** What each caller was told, and in how many orders. */
  readonly told: readonly Told[];
  /** How the callers met; may be incomplete where the outcome does not depend on it. */
  readonly meetings: readonly Met[];
  /** Requests that held several steps which could not be split: `label: why`. */
  readonly hidden: readonly string[];
  /** Events that were switched on but could not happen at any point. */
  readonly noOccasion: readonly EventKind[];
  /** Redis keys that live too long to be leases, so no event ended them. */
  readonly keptKeys: readonly string[];
  /** Orders that ran to their end, each different from the others. */
  readonly orders: number;
  readonly violating: number;
  /** Orders in which somebody waited for another. */
  readonly waited: number;
  /** Orders abandoned because an equivalent one was counted. */
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
  /** What the orders came to beside the serial ones; undefined where an audit alone judges. */
  readonly serial: SerialReport | undefined;
  readonly counterexample: Counterexample | undefined;
  /** What its statements show, by a known name and in words, where they do: no verdict rests on it. */
  readonly explained: Explanation | undefined;
  /** Only where the budget ended the search and `random` was set. */
  readonly sampled: Sampled | undefined;
}
