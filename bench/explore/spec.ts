/** The specification of one exploration, as plain data that can be sent to another process. */

import { reasonAgainstKey } from '../../src/engine/idempotency.ts';
import type { RegisteredStrategy, Registry } from '../../src/engine/registry.ts';
import { didYouMean } from '../../src/explore/nearest.ts';
import type { EventKind } from '../../src/explore/search/choice.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { UsageError } from '../lab/command-line.ts';
import type { CellPlan } from './cell.ts';
import { roundOf } from './rounds.ts';

export interface CellSpec {
  readonly scenario: string;
  readonly variant: string;
  /** One strategy per caller. */
  readonly strategies: readonly string[];
  /** See `roundNames`. */
  readonly round: string;
  /** Stop at the first counterexample, regardless of the reach: enough for a control. */
  readonly firstOnly?: true;
}

/** How far each cell is explored. */
export interface Reach {
  readonly events: readonly EventKind[];
  readonly preemptions: number | 'unbounded';
  readonly preemptionsWithEvent: number | 'unbounded';
  readonly phases: boolean;
  /** BEGIN with the statement after it, and one acquire over all nodes, are one step each. */
  readonly fuse: boolean;
  /** Stop at the first counterexample. */
  readonly firstOnly: boolean;
}

/** At most two preemptions; with an event, at most one. */
export const usualReach: Reach = {
  events: ['crash', 'lease-expires'],
  preemptions: 2,
  preemptionsWithEvent: 1,
  phases: true,
  fuse: true,
  firstOnly: false,
};

/** The reach as options of the explorer. */
export function optionsOf({ fuse, ...reach }: Reach) {
  return { ...reach, fuseBegin: fuse, fuseNodes: fuse };
}

/** Throws `UsageError` for an unknown name, listing the known ones. */
export function planOf(
  registry: Registry,
  spec: CellSpec,
  strategyFiles: readonly string[] = [],
): CellPlan {
  const { variant } = spec;
  const scenario = found(registry.scenarios, spec.scenario, 'scenario');
  const variants = new Map(Object.entries(scenario.registered.variants));
  const traits = found(variants, variant, `${scenario.name} variant`);
  const round = roundOf(traits, spec.round);
  const strategies = spec.strategies.map(name => strategyOf(registry, name));
  return { scenario, variant, strategies, round, strategyFiles };
}

/** Why the cell is not offered: the scenario lacks the wording, or an Idempotency-Key cannot be stored. */
export function notOffered(plan: CellPlan): string | undefined {
  const { scenario, variant, strategies, round } = plan;
  const against = strategies.flatMap(({ declared }) => reasonAgainstKey(declared) ?? []);
  if (round.sameKey && against[0] !== undefined) return `no Idempotency-Key: ${against[0]}`;
  const { wordings = [] } = scenario.registered.variants[variant] ?? {};
  const without = strategies.find(({ declared }) => !wordings.includes(declared.wording));
  return without && `${scenario.name} has no wording '${without.declared.wording}'`;
}

/** Also two at once, `both:one+other`. */
function strategyOf(registry: Registry, name: string): RegisteredStrategy {
  const one = strategyNamed(registry, name);
  if ('strategy' in one) return one.strategy;
  if ('refused' in one) throw new UsageError(one.refused);
  return found(registry.strategies, one.unknown, 'strategy');
}

function found<T>(all: ReadonlyMap<string, T>, name: string, what: string): T {
  const one = all.get(name);
  if (one === undefined)
    throw new UsageError(
      `unknown ${what} '${name}'${didYouMean(name, [...all.keys()])}; ` +
        `expected one of ${[...all.keys()].sort().join(', ')}`,
    );
  return one;
}
