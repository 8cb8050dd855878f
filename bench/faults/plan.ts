/** Which cells a run has: every strategy with every fault, and the controls that prove the faults. Pure. */
import type { RegisteredVariant, Strategy } from '../../src/contract/index.ts';
import type { RegisteredStrategy, Registry } from '../../src/engine/registry.ts';
import { participantsOf } from '../lab/plan.ts';
import {
  claimUnder,
  controlsOf,
  leftBehindBy,
  notOffered,
  outageBy,
  worstPhase,
} from './expected.ts';
import type { NamedFault } from './fault.ts';
import type { Phase } from './phases.ts';
import type { FaultCell } from './schema.ts';

/** A cell before it is struck. */
export interface Planned {
  readonly fault: NamedFault;
  readonly phase: Phase;
  readonly strategy: RegisteredStrategy;
  readonly control: boolean;
  readonly claimed: FaultCell['claimed'];
  readonly leftBehind: FaultCell['leftBehind'];
  readonly outage: FaultCell['outage'];
  /** Why it is not struck; undefined if it is. */
  readonly notOffered: string | undefined;
}

export interface Wanted {
  readonly faults: readonly NamedFault[];
  /** Empty: the worst of each fault. */
  readonly phases: readonly Phase[];
  readonly strategies: readonly RegisteredStrategy[];
  readonly variant: RegisteredVariant;
}

/** Of each fault the controls first: where they are not harmed, the rest proves nothing. */
export function cellsOf(registry: Registry, wanted: Wanted): Planned[] {
  return wanted.faults.flatMap(fault => {
    const controls = controlsOf(fault, registry);
    const others = wanted.strategies.filter(one => !controls.includes(one));
    return [
      ...controls.flatMap(strategy => worst(fault, strategy, wanted.variant, true)),
      ...others.flatMap(strategy =>
        wanted.phases.length > 0
          ? wanted.phases
              .filter(phase => fault.phases.includes(phase))
              .map(phase => planned(fault, phase, strategy, wanted.variant, false))
          : worst(fault, strategy, wanted.variant, false),
      ),
    ];
  });
}

function worst(
  fault: NamedFault,
  strategy: RegisteredStrategy,
  variant: RegisteredVariant,
  control: boolean,
): Planned[] {
  const phase = worstPhase(fault, strategy, variant) ?? fault.phases[0];
  return phase === undefined ? [] : [planned(fault, phase, strategy, variant, control)];
}

function planned(
  fault: NamedFault,
  phase: Phase,
  strategy: RegisteredStrategy,
  variant: RegisteredVariant,
  control: boolean,
): Planned {
  const { declared } = strategy;
  return {
    fault,
    phase,
    strategy,
    control,
    claimed: claimUnder(fault, declared, variant),
    leftBehind: leftBehindBy(fault, declared, phase),
    outage: outageBy(fault, declared),
    notOffered: notOffered(fault, strategy, phase, variant),
  };
}

/**
 * The strategies by name; without a name those of the product that differ in what a fault can do to them:
 * the first of each way to lock, by where the lock is kept, what hands it on and what refuses.
 */
export function strategiesOf(
  registry: Registry,
  asked: readonly string[],
  { wordings }: Pick<RegisteredVariant, 'wordings'>,
): readonly RegisteredStrategy[] {
  const all = participantsOf(registry, asked.length > 0 ? asked : ['all']);
  // it takes part where a fault names it as its control, or where it is asked for
  const named = all
    .filter(({ control, strategy: { name } }) => !control || asked.includes(name))
    .map(one => one.strategy);
  if (asked.length > 0) return named;
  const kinds = new Map<string, RegisteredStrategy>();
  const offered = named.filter(
    ({ declared }) => !declared.hazard && wordings.includes(declared.wording),
  );
  for (const one of offered) {
    const kind = kindOf(one.declared);
    const before = kinds.get(kind);
    if (!before || one.name.length < before.name.length) kinds.set(kind, one);
  }
  return [...kinds.values()];
}

/** What decides about a strategy under faults; two with the same kind are struck alike. */
function kindOf({ turns, first, guard, wording, isolation, adoption, store }: Strategy): string {
  const held = turns.map(({ heldBy }) => heldBy).join();
  const refuses = guard.filter(one => !one.startsWith('lock row')).join();
  const locks = guard.some(one => one.startsWith('lock row')) || first.length > 0;
  const kind = { held, refuses, locks, wording, isolation, need: adoption.newDependency, store };
  return JSON.stringify(kind);
}
