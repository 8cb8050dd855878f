/** What a cell is predicted to show: from declared facts, never from names. Pure. */
import {
  type Event,
  type Prediction,
  predict,
  type RegisteredVariant,
  redisNeedsOf,
  type Strategy,
} from '../../src/contract/index.ts';
import type { RegisteredStrategy, Registry } from '../../src/engine/registry.ts';
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

/** The strategies to which a fault must do its harm. */
export function controlsOf({ control }: Pick<Fault, 'control'>, registry: Registry) {
  if (control === 'no protection') return [controlOf(registry)];
  return [...registry.strategies.values()].filter(({ declared }) =>
    declared.hazard?.under.includes(control.hazardsUnder),
  );
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
  const place = placeOf(declared, phase);
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
