/** What a cell is predicted to show: from declared facts, never from names. Pure. */
import {
  type Event,
  type Prediction,
  predict,
  type RegisteredVariant,
  redisNeedsOf,
  type Strategy,
} from '../../src/contract/index.ts';
import { reasonAgainstKey } from '../../src/engine/idempotency.ts';
import {
  type RegisteredStrategy,
  type Registry,
  strategyNameOf,
} from '../../src/engine/registry.ts';
import { controlOf } from '../lab/plan.ts';
import type { Fault } from './fault.ts';
import { type Phase, placeOf } from './phases.ts';
import type { FaultCell, LeftBehind } from './schema.ts';

/** The claim of a strategy under what a fault brings about, in a service of several processes. */
export function claimUnder(
  fault: Pick<Fault, 'events' | 'eventsFor'>,
  strategy: Strategy,
  variant: RegisteredVariant,
): Prediction {
  const events = fault.eventsFor?.(redisNeedsOf(strategy)) ?? fault.events;
  return predict(strategy, variant, new Set<Event>(['several processes', ...events]));
}

/**
 * How long a lock outlives a holder that is gone: a lease until its time has passed, everything in
 * Postgres not at all, since it ends with the connection. Null where the holder lives on or holds nothing.
 */
export function leftBehindBy(
  { harm, events }: Pick<Fault, 'harm' | 'events'>,
  strategy: Strategy,
  phase: Phase,
): LeftBehind | null {
  if (harm !== 'lock left behind' || phase === 'waiting') return null;
  const { hazard, turns } = strategy;
  if (hazard?.under.some(event => events.includes(event))) return 'for good';
  return turns.some(({ heldBy }) => heldBy === 'lease')
    ? 'until the lease has passed'
    : 'not at all';
}

/** Whether writers are to stand still while the fault lasts; null where it is no outage. */
export function outageBy(
  { harm, outageFor }: Pick<Fault, 'harm' | 'outageFor'>,
  strategy: Strategy,
): FaultCell['outage'] {
  if (harm !== 'outage') return null;
  return (outageFor?.(redisNeedsOf(strategy)) ?? true) ? 'expected' : 'none';
}

/** A strategy to which a fault must do its harm. */
export interface ControlOf {
  readonly strategy: RegisteredStrategy;
  /** The defence that it is without; undefined where it is broken by itself. */
  readonly without: string | undefined;
}

/** The strategies to which a fault must do its harm. */
export function controlsOf(
  fault: Fault,
  registry: Registry,
  variant: RegisteredVariant,
): readonly ControlOf[] {
  const { control } = fault;
  const all = [...registry.strategies.values()];
  const broken = (strategy: RegisteredStrategy): ControlOf => ({ strategy, without: undefined });
  if (control === 'no protection') return [broken(controlOf(registry))];
  if ('file' in control) {
    const name = strategyNameOf(control.file);
    return all.filter(one => one.name === name).map(broken);
  }
  if ('hazardsUnder' in control)
    return all
      .filter(({ declared }) => declared.hazard?.under.includes(control.hazardsUnder))
      .map(broken);
  const strategy = all.find(one => isPlain(one.declared) && offered(fault, one, variant));
  return strategy ? [{ strategy, without: control.without }] : [];
}

/** It needs nothing but Postgres as it is, and is broken in nothing. */
const isPlain = ({ hazard, adoption }: Strategy): boolean =>
  !hazard && adoption.newDependency === undefined && adoption.migration === 'none';

/** In the worst phase of the fault. */
function offered(fault: Fault, strategy: RegisteredStrategy, variant: RegisteredVariant): boolean {
  const [worst] = fault.phases;
  return worst !== undefined && notOffered(fault, strategy, worst, variant) === undefined;
}

/** A control by its own file is a hazard by what the fault does, which need not be an event. */
export function claimOfControl(
  fault: Fault,
  { strategy: { declared }, without }: ControlOf,
  variant: RegisteredVariant,
): Prediction {
  if (without !== undefined)
    return { verdict: 'unsafe', reason: 'hazard met', because: `without a defence: ${without}` };
  const under = typeof fault.control === 'object' && 'file' in fault.control;
  const events = under ? [...fault.events, ...(declared.hazard?.under ?? [])] : fault.events;
  return claimUnder({ ...fault, events }, declared, variant);
}

/**
 * Why a fault does not strike a strategy in a phase; undefined if it does. The strategy that protects
 * nothing is held where the others are, also where there is nothing of it to strike.
 */
export function notOffered(
  fault: Fault,
  { declared }: RegisteredStrategy,
  phase: Phase,
  variant: RegisteredVariant,
): string | undefined {
  const claimed = claimUnder(fault, declared, variant);
  if (claimed.verdict === 'not offered') return claimed.because;
  const bare = fault.control === 'no protection' && protectsNothing(declared);
  const spared = bare ? undefined : fault.spares?.(declared, redisNeedsOf(declared));
  if (spared !== undefined) return spared;
  const keyed = fault.manner === 'asks again';
  const against = keyed ? reasonAgainstKey(declared) : undefined;
  if (against !== undefined) return against;
  const place = placeOf(declared, phase, keyed);
  return 'notOffered' in place ? place.notOffered : undefined;
}

const protectsNothing = ({ hazard }: Strategy): boolean => hazard?.under.length === 0;

/** The first phase of a fault, the worst first, that a strategy has; undefined if it has none. */
export function worstPhase(
  fault: Fault,
  strategy: RegisteredStrategy,
  variant: RegisteredVariant,
): Phase | undefined {
  return fault.phases.find(phase => notOffered(fault, strategy, phase, variant) === undefined);
}
