/** Which cells a run has: every strategy with every fault, and the controls that prove the faults. Pure. */
import { type RegisteredVariant, redisNeedsOf, type Strategy } from '../../src/contract/index.ts';
import type { RegisteredStrategy, Registry } from '../../src/engine/registry.ts';
import { participantsOf } from '../lab/plan.ts';
import {
  type ControlOf,
  claimOfControl,
  claimUnder,
  controlsOf,
  leftBehindBy,
  notOffered,
  outageBy,
  worstPhase,
} from './expected.ts';
import type { NamedFault } from './fault.ts';
import { type Phase, placeOf } from './phases.ts';
import type { FaultCell } from './schema.ts';

/** A cell before it is struck. */
export interface Planned {
  readonly fault: NamedFault;
  readonly phase: Phase;
  readonly strategy: RegisteredStrategy;
  /** The strategy as results name it: a control without a defence says so. */
  readonly name: string;
  readonly control: boolean;
  /** It is the control that lacks a defence. */
  readonly undefended: boolean;
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
  const { variant, strategies } = wanted;
  return wanted.faults.flatMap(fault => {
    const controls = controlsOf(fault, registry, variant);
    const harmed = new Set(
      controls.filter(({ without }) => without === undefined).map(({ strategy }) => strategy),
    );
    return [
      ...controls.flatMap(control =>
        controlPhases(wanted, fault, control).map(phase =>
          controlCell(fault, phase, control, variant),
        ),
      ),
      ...strategies
        .filter(one => !harmed.has(one))
        .flatMap(strategy =>
          phasesOf(wanted, fault, strategy).map(phase => planned(fault, phase, strategy, variant)),
        ),
    ];
  });
}

function phasesOf(
  { phases, variant }: Pick<Wanted, 'phases' | 'variant'>,
  fault: NamedFault,
  strategy: RegisteredStrategy,
): readonly Phase[] {
  if (phases.length > 0) return phases.filter(phase => fault.phases.includes(phase));
  const phase = worstPhase(fault, strategy, variant) ?? fault.phases[0];
  return phase === undefined ? [] : [phase];
}

/** Those asked for that it has: what harms it elsewhere proves little there. Without any its worst one. */
function controlPhases(
  { phases, variant }: Wanted,
  fault: NamedFault,
  { strategy }: ControlOf,
): readonly Phase[] {
  const has = (phase: Phase): boolean =>
    fault.phases.includes(phase) && notOffered(fault, strategy, phase, variant) === undefined;
  const asked = phases.filter(has);
  return asked.length > 0 ? asked : phasesOf({ phases: [], variant }, fault, strategy);
}

function controlCell(
  fault: NamedFault,
  phase: Phase,
  control: ControlOf,
  variant: RegisteredVariant,
): Planned {
  const { strategy, without } = control;
  const cell = planned(fault, phase, strategy, variant);
  const claimed = claimOfControl(fault, control, variant);
  if (without === undefined) return { ...cell, control: true, claimed };
  const outage = fault.harm === 'outage' ? 'expected' : null;
  const name = `${strategy.name}, undefended`;
  return { ...cell, name, control: true, undefended: true, claimed, outage };
}

function planned(
  fault: NamedFault,
  phase: Phase,
  strategy: RegisteredStrategy,
  variant: RegisteredVariant,
): Planned {
  const { declared, name } = strategy;
  return {
    fault,
    phase,
    strategy,
    name,
    control: false,
    undefended: false,
    claimed: claimUnder(fault, declared, variant),
    leftBehind: leftBehindBy(fault, declared, phase),
    outage: outageBy(fault, declared),
    notOffered: notOffered(fault, strategy, phase, variant),
  };
}

/** More held commands than this keep each other, and two shared cores, waiting. */
const togetherMax = 8;

/**
 * Cells that are struck by one injection: those of one fault whose commands do not stand in each other's
 * way. In the order of the cells.
 */
export function groupsOf(cells: readonly Planned[]): Planned[][] {
  const groups: Planned[][] = [];
  for (const one of cells) {
    const group = groups.find(
      all => all.length < togetherMax && all.every(other => mayShare(one, other)),
    );
    if (group) group.push(one);
    else groups.push([one]);
  }
  return groups;
}

function mayShare(one: Planned, other: Planned): boolean {
  if (one.fault !== other.fault) return false;
  if (one.notOffered !== undefined || other.notOffered !== undefined)
    return one.notOffered !== undefined && other.notOffered !== undefined;
  if (one.undefended || other.undefended) return false;
  if (locksAll(one) || locksAll(other)) return false;
  // what is struck is the Redis of all of them
  if (one.fault.strikes === 'redis' && needsText(one) !== needsText(other)) return false;
  // behind a message that is held on the one connection of a process, its other commands wait
  return !(meet(one, other) && (holdsRedis(one) || holdsRedis(other)));
}

/** A whole table is locked: commands on other keys wait, too. */
const locksAll = ({ strategy }: Planned): boolean => strategy.declared.guard.includes('lock table');

const needsText = ({ strategy }: Planned): string =>
  JSON.stringify(redisNeedsOf(strategy.declared));

function meet(one: Planned, other: Planned): boolean {
  const [mine, theirs] = [one, other].map(({ strategy }) => redisNeedsOf(strategy.declared));
  return Boolean((mine?.one && theirs?.one) || (mine?.several && theirs?.several));
}

function holdsRedis({ strategy, phase, fault }: Planned): boolean {
  const place = placeOf(strategy.declared, phase, fault.manner === 'asks again');
  return 'point' in place && place.point.store === 'redis' && place.point.hold !== 'unanswered';
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
