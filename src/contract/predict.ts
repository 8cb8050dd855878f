import type { Expected, Traits } from './scenario.ts';
import type { Event, Guard, Strategy, Turn, Wording } from './strategy.ts';

export const predictionVerdicts = ['safe', 'unsafe', 'no claim', 'not offered'] as const;

/** Why a prediction says what it says. Programs go by the code; the words beside it are for people. */
export const predictionReasons = [
  /** The scenario has no rule in the strategy's wording. */
  'wording missing',
  /** The variant is broken on purpose (`expects`). */
  'variant broken',
  /** Something was sent outside the database, and its record is missing: by a crash, or otherwise. */
  'crash after effect',
  'effect without record',
  /** An event occurred under which the strategy is a declared hazard. */
  'hazard met',
  'locked before check',
  'locked before snapshot',
  /** Locked too, but a waiter's snapshot is older: it is refused when it gets the lock. */
  'refused at lock',
  'one process',
  'session held',
  'lease held',
  /** By the condition of the statement, or by a constraint. */
  'refused by statement',
  'refused by version',
  'refused by isolation',
  /** The lease or the connection was lost, and nothing else protects. */
  'turn lost',
  'nothing refuses',
  /** No prediction was made: the strategy's file is not at hand. */
  'strategy not given',
] as const;

export type PredictionReason = (typeof predictionReasons)[number];

export interface Prediction {
  readonly verdict: (typeof predictionVerdicts)[number];
  readonly reason: PredictionReason;
  /** The reason in words. */
  readonly because: string;
}

/**
 * What a strategy claims for a variant under the given events: a pure function of the declared
 * facts that the engine acts on, never of names. A lease is safe while no lease is lost, a session
 * lock while its connection lives, a mutex within one process, the rest always.
 */
export function predict(
  strategy: Strategy,
  variant: Traits & { readonly wordings: readonly Wording[] },
  events: ReadonlySet<Event>,
): Prediction {
  const claimed = underItsEvents(strategy, variant, events);
  return (claimed.verdict === 'safe' ? effectAlone(variant, events) : undefined) ?? claimed;
}

/** No lock covers what is outside: without its record the effect is repeated by whoever comes next. */
function effectAlone({ effect }: Traits, events: ReadonlySet<Event>): Prediction | undefined {
  if (effect !== 'outside') return undefined;
  if (events.has('crash'))
    return is('unsafe', 'crash after effect', 'a crash leaves an effect without its record');
  return events.has('effect without record')
    ? is('no claim', 'effect without record', 'an effect was left without its record')
    : undefined;
}

function underItsEvents(
  strategy: Strategy,
  variant: Traits & { readonly wordings: readonly Wording[] },
  events: ReadonlySet<Event>,
): Prediction {
  const refused = byRefusal(strategy, variant);
  return (
    offeredOrWrong(strategy, variant) ??
    leftStuck(strategy, events) ??
    byLocksInside(strategy, variant) ??
    byTurns(strategy, events) ??
    refused ??
    byHazard(strategy, events) ??
    (holds(strategy, 'lease') || holds(strategy, 'session')
      ? is('no claim', 'turn lost', 'the lease or the connection was lost')
      : is('unsafe', 'nothing refuses', 'nobody refuses in time'))
  );
}

function offeredOrWrong(
  strategy: Strategy,
  variant: Traits & { readonly wordings: readonly Wording[] },
): Prediction | undefined {
  if (!variant.wordings.includes(strategy.wording))
    return is(
      'not offered',
      'wording missing',
      `the scenario has no wording '${strategy.wording}'`,
    );
  if (variant.expects && !excepted(strategy, variant.expects))
    return is('unsafe', 'variant broken', variant.expects.because);
  return undefined;
}

/** A crash that leaves an orphaned lock shuts everyone out; no inner lock or check helps. */
function leftStuck(strategy: Strategy, events: ReadonlySet<Event>): Prediction | undefined {
  const stuck = partsOf(strategy).find(({ hazard }) => hazard?.under.includes('crash'));
  return stuck?.hazard && events.has('crash')
    ? is('unsafe', 'hazard met', stuck.hazard.why)
    : undefined;
}

/** Safe because the second caller waits, inside its transaction, until the first has committed. */
function byLocksInside(strategy: Strategy, variant: Traits): Prediction | undefined {
  const fresh = strategy.isolation === 'read committed'; // every statement sees the latest commit
  const locks =
    has(strategy, 'lock row', 'lock row, nowait', 'lock table', 'fence read') ||
    // a snapshot taken before the lock still shows rivals' rows as free: seen under REPEATABLE READ
    (strategy.isolation !== 'repeatable read' &&
      has(strategy, 'lock row, skip locked') &&
      takesAnyFreeRow(strategy, variant));
  if (fresh && (locks || strategy.first.length > 0))
    return is('safe', 'locked before check', 'locked before the check');
  if (has(strategy, 'lock table'))
    return is('safe', 'locked before snapshot', 'locked before the snapshot'); // LOCK TABLE takes no snapshot
  if (!fresh && locks && writesDecidingRow(strategy, variant))
    return is('safe', 'refused at lock', 'the waiter gets 40001 at its lock');
  return undefined;
}

/** Safe because the second caller waits, before its transaction, until the first has committed. */
function byTurns(strategy: Strategy, events: ReadonlySet<Event>): Prediction | undefined {
  // a hazard whose event occurred voids its own turns, but not those of another part
  const parts = partsOf(strategy).filter(part => !byHazard(part, events));
  const held = (by: Turn['heldBy']): boolean => parts.some(part => holds(part, by));
  if (held('process') && !events.has('several processes'))
    return is('safe', 'one process', 'one process');
  if (held('session') && !events.has('session lost'))
    return is('safe', 'session held', 'locked while the connection lives');
  if (held('lease') && !events.has('lease lost'))
    return is('safe', 'lease held', 'locked while no lease is lost');
  return undefined;
}

function partsOf(strategy: Strategy): readonly Strategy[] {
  return strategy.parts ?? [strategy];
}

/**
 * Safe because the store rejects the second write; too late once an outside effect has happened.
 */
function byRefusal(strategy: Strategy, variant: Traits): Prediction | undefined {
  if (variant.effect === 'outside') return undefined;
  if (['conditional update', 'numbered slots', 'exclusion'].includes(strategy.wording))
    return is('safe', 'refused by statement', 'the statement or the constraint refuses');
  if (has(strategy, 'compare version'))
    return is('safe', 'refused by version', 'the write refuses');
  const fresh = strategy.isolation === 'read committed';
  const seesConflict =
    writesDecidingRow(strategy, variant) ||
    has(strategy, 'touch') ||
    strategy.isolation === 'serializable';
  return !fresh && seesConflict
    ? is('safe', 'refused by isolation', 'refused with 40001')
    : undefined;
}

function byHazard(strategy: Strategy, events: ReadonlySet<Event>): Prediction | undefined {
  const broken = partsOf(strategy).find(({ hazard }) =>
    hazard?.under.some(event => events.has(event)),
  );
  return broken?.hazard && is('unsafe', 'hazard met', broken.hazard.why);
}

function excepted(strategy: Strategy, { exceptUnder = [] }: Expected): boolean {
  const { isolation, wording, guard, turns, first } = strategy;
  return exceptUnder.some(fact => {
    if (fact === 'turns') return turns.some(turn => turn.until === 'commit');
    if (fact === 'first') return first.length > 0;
    return [isolation, wording, ...guard].includes(fact);
  });
}

function writesDecidingRow(strategy: Strategy, variant: Traits): boolean {
  return variant.acts !== 'inserts beside it' || strategy.wording === 'precreated rows';
}

function takesAnyFreeRow(strategy: Strategy, variant: Traits): boolean {
  return variant.acts === 'takes any free row' || strategy.wording === 'precreated rows';
}

function has(strategy: Strategy, ...guards: readonly Guard[]): boolean {
  return guards.some(guard => strategy.guard.includes(guard));
}

function holds(strategy: Strategy, by: Turn['heldBy']): boolean {
  return strategy.turns.some(turn => turn.heldBy === by && turn.until === 'commit');
}

function is(verdict: Prediction['verdict'], reason: PredictionReason, because: string): Prediction {
  return { verdict, reason, because };
}
