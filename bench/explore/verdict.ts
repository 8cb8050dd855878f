/** Compares the exploration of a cell with the strategy's claim under the same events. Pure. */
import {
  type Event,
  type FailureCode,
  type Prediction,
  predict,
} from '../../src/contract/index.ts';
import type { Exploration } from '../../src/explore/explore.ts';
import { timelineText } from '../../src/explore/timeline/text.ts';
import { type CellPlan, callerNames } from './cell.ts';
import type { ExploredCell } from './schema.ts';

export type { ExploredCell };

type Part = Exploration['parts'][number];

export type ExploredPart = ExploredCell['parts'][number];
export type Agreement = ExploredPart['agreement'];

const meaning: Readonly<Record<string, readonly Event[]>> = {
  'lease-expires': ['lease lost'],
  pause: ['lease lost'],
  'redis-loses-data': ['lease lost'],
  'backend-terminated': ['session lost'],
  'lost-reply': ['session lost'],
  crash: ['crash'],
};

/** The events of the contract that correspond to kinds of explorer events, joined by `+`. */
export function eventsOf(kinds: string, phases: boolean): Set<Event> {
  const own: Event[] = ['several processes', ...(phases ? ['statement phases' as const] : [])];
  return new Set([...own, ...kinds.split('+').flatMap(kind => meaning[kind] ?? [])]);
}

/** The result of a cell: the outcome of the exploration, and per event the claim and the agreement. */
export function exploredCell(
  plan: CellPlan,
  found: Exploration,
  { phases, seconds }: { readonly phases: boolean; readonly seconds: number },
): ExploredCell {
  const { why, orders, violating, exhausted, counterexample } = found;
  const outcome = hasNoVerdict(found) && orders > 0 ? 'inconclusive' : found.outcome;
  const names = plan.strategies.map(({ name }) => name);
  const actors = callerNames(plan);
  return {
    scenario: plan.scenario.name,
    variant: plan.variant,
    round: plan.round.name,
    strategies: names,
    outcome,
    why,
    orders,
    violating,
    exhausted,
    bound: boundText(found.bound),
    seconds,
    parts: found.parts.map(part => partOf(plan, part, found, phases)),
    assumptions: [...found.assumptions, ...ownAssumptions, ...plan.round.titles],
    counterexample: counterexample
      ? { schedule: counterexample.schedule, timeline: timelineText({ actors, counterexample }) }
      : null,
  };
}

/** The result of a cell that was not run, with the reason. */
export function unexplored(
  plan: CellPlan,
  outcome: ExploredCell['outcome'],
  why: string,
): ExploredCell {
  const { scenario, variant, round, strategies } = plan;
  const names = strategies.map(({ name }) => name);
  const cell = { scenario: scenario.name, variant, round: round.name, strategies: names };
  return withoutPlan(cell, outcome, why);
}

/** The same, for a cell given by its names. */
export function withoutPlan(
  {
    scenario,
    variant,
    round,
    strategies,
  }: Pick<ExploredCell, 'scenario' | 'variant' | 'round' | 'strategies'>,
  outcome: ExploredCell['outcome'],
  why: string,
): ExploredCell {
  return {
    scenario,
    variant,
    round,
    strategies,
    outcome,
    why,
    orders: 0,
    violating: 0,
    exhausted: false,
    bound: '',
    seconds: 0,
    parts: [],
    assumptions: [],
    counterexample: null,
  };
}

const effectUnknown: FailureCode = 'effect-unknown';

const ownAssumptions: readonly string[] = [
  'Each caller has its own engine, connections and guardians, as if in its own process.',
  'Data that never changes, which a command reads before its turn, was read beforehand.',
  'A lease ends only by an event of the schedule; a caller that polls for one tries three or four times.',
  'A command has at most three attempts; server timeouts do not fire.',
];

function partOf(
  { scenario, variant, strategies }: CellPlan,
  { event, orders, violating, ends }: Part,
  found: Exploration,
  phases: boolean,
): ExploredPart {
  const counted = { event, orders, violating };
  const [first] = strategies;
  const traits = scenario.registered.variants[variant];
  const alike = new Set(strategies).size === 1;
  if (!first || !traits || !alike || hasNoVerdict(found))
    return { ...counted, claimed: null, agreement: 'nothing claimed' };
  const given = (kinds: string, ...more: readonly Event[]): Prediction =>
    predict(first.declared, traits, new Set([...eventsOf(kinds, phases), ...more]));
  const claimed = given(event);
  const without = given(event, 'effect without record');
  const excused = without.verdict === 'safe' ? 0 : violatingWithoutRecord(ends);
  // a violation without events counts for every event: with the event, one of two callers may be dead
  const shown =
    violating > 0 ||
    (given('none').verdict === 'unsafe' &&
      found.parts.some(part => part.event === 'none' && part.violating > 0));
  const agreement = agreementOf(claimed, violating - excused, shown);
  return { ...counted, ...(excused > 0 && { excused }), claimed, agreement };
}

/**
 * Violating orders in which a caller sent something outside the database and was told that nobody
 * knows whether it is recorded: only these are excused.
 */
function violatingWithoutRecord(ends: Part['ends']): number {
  const without = [...ends].filter(([end]) => end.includes(`"detail":"${effectUnknown}"`));
  return without.reduce((sum, [, { violating }]) => sum + violating, 0);
}

function agreementOf({ verdict }: Prediction, violating: number, shown: boolean): Agreement {
  if (verdict === 'safe') return violating === 0 ? 'as claimed' : 'claim violated';
  if (verdict === 'unsafe') return shown ? 'as claimed' : 'not shown';
  return 'nothing claimed';
}

/**
 * Whether the exploration gives no verdict: a single caller already fails, which says nothing about the
 * orders of several; or orders could not be run or judged, and none of the others violates.
 */
function hasNoVerdict({ outcome, violating }: Exploration): boolean {
  const judged = outcome === 'safe' || outcome === 'unsafe' || outcome === 'budget-stopped';
  return outcome === 'setup-failed' || (!judged && violating === 0);
}

/** The bound on preemptions, without and with events, short enough for a table cell. */
export function boundText({ events, preemptions, preemptionsWithEvent }: Exploration['bound']) {
  const most = (count: number | undefined): string => (count === undefined ? 'any' : `≤ ${count}`);
  const free = most(preemptions);
  return events === 0 ? free : `${free}, ${most(preemptionsWithEvent)} + ${events} event`;
}
