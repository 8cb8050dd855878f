/** What an exploration says of a cell, beside what the strategy claims under the same events. Pure. */
import { type Event, type Prediction, predict } from '../../src/contract/index.ts';
import type { Exploration } from '../../src/explore/explore.ts';
import { timelineText } from '../../src/explore/timeline/text.ts';
import type { ExploredCell } from '../results/schema.ts';
import { type CellPlan, callerNames } from './cell.ts';

export type { ExploredCell };

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

/** The events of the contract that a kind of the explorer's amounts to. */
export function eventsOf(kinds: string, found: Exploration, phases: boolean): Set<Event> {
  const own: Event[] = ['several processes', ...(phases ? ['statement phases' as const] : [])];
  const again = [...found.ends.keys()].some(end => /"attempts":[2-9]/.test(end));
  const happened = kinds.split('+').flatMap(kind => meaning[kind] ?? []);
  return new Set([...own, ...happened, ...(again ? ['retry after the effect' as const] : [])]);
}

/** Puts the verdict beside the claim. */
export function exploredCell(
  plan: CellPlan,
  found: Exploration,
  { phases, seconds }: { readonly phases: boolean; readonly seconds: number },
): ExploredCell {
  const { outcome, why, orders, violating, exhausted, counterexample } = found;
  const names = plan.strategies.map(({ name }) => name);
  const actors = callerNames(plan);
  return {
    scenario: plan.scenario.name,
    variant: plan.variant,
    strategies: names,
    outcome,
    why,
    orders,
    violating,
    exhausted,
    bound: boundText(found.bound),
    seconds,
    parts: found.parts.map(part => partOf(plan, part, found, phases)),
    assumptions: [
      ...found.assumptions,
      ...ownAssumptions,
      ...(plan.couple ? ['The key has room for two, and one rival more never comes.'] : []),
      ...(plan.doubleTap ? ['Callers come in pairs that send the same call.'] : []),
    ],
    counterexample: counterexample
      ? { schedule: counterexample.schedule, timeline: timelineText({ actors, counterexample }) }
      : null,
  };
}

/** A cell that could not be run, and why. */
export function unexplored(
  plan: CellPlan,
  outcome: ExploredCell['outcome'],
  why: string,
): ExploredCell {
  const { scenario, variant, strategies } = plan;
  const names = strategies.map(({ name }) => name);
  return withoutPlan({ scenario: scenario.name, variant, strategies: names }, outcome, why);
}

/** The same of a cell that is known by its names. */
export function withoutPlan(
  { scenario, variant, strategies }: Pick<ExploredCell, 'scenario' | 'variant' | 'strategies'>,
  outcome: ExploredCell['outcome'],
  why: string,
): ExploredCell {
  return {
    scenario,
    variant,
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

const ownAssumptions: readonly string[] = [
  'Each caller has an engine, connections and guardians of its own, as if in a process of its own.',
  'What a command reads before its turn, because it never changes, was read beforehand.',
  'A lease ends by an event of the schedule only; who polls for one tries three or four times.',
  'A command is tried at most three times; timeouts of the servers do not come.',
];

function partOf(
  { scenario, variant, strategies }: CellPlan,
  { event, orders, violating }: Exploration['parts'][number],
  found: Exploration,
  phases: boolean,
): ExploredPart {
  const [first] = strategies;
  const traits = scenario.registered.variants[variant];
  const alike = new Set(strategies).size === 1;
  if (!first || !traits || !alike)
    return { event, orders, violating, claimed: null, agreement: 'nothing claimed' };
  const claimed = predict(first.declared, traits, eventsOf(event, found, phases));
  return { event, orders, violating, claimed, agreement: agreementOf(claimed, violating) };
}

function agreementOf({ verdict }: Prediction, violating: number): Agreement {
  if (verdict === 'safe') return violating === 0 ? 'as claimed' : 'claim violated';
  if (verdict === 'unsafe') return violating > 0 ? 'as claimed' : 'not shown';
  return 'nothing claimed';
}

/** Preemptions without an event, and beside events, in so few words that they fit into a cell. */
export function boundText({ events, preemptions, preemptionsWithEvent }: Exploration['bound']) {
  const most = (count: number | undefined): string => (count === undefined ? 'any' : `≤ ${count}`);
  const free = most(preemptions);
  return events === 0 ? free : `${free}, ${most(preemptionsWithEvent)} + ${events} event`;
}
