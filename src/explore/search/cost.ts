import { type Choice, isEvent } from './choice.ts';

/** How far a schedule deviates from running one actor after the other. */
export interface Cost {
  readonly events: number;
  /** Switches away from an actor that could have continued, and sleeps that end while one could. */
  readonly preemptions: number;
}

/** The largest costs that a search visits; undefined is without bound. */
export interface Bound {
  readonly events: number;
  readonly preemptions: number | undefined;
  /** The same for schedules with an event in them. */
  readonly preemptionsWithEvent: number | undefined;
}

export const noCost: Cost = { events: 0, preemptions: 0 };

export function costAfter(
  before: Cost,
  choice: Choice,
  choices: readonly Choice[],
  previous: number | undefined,
): Cost {
  if (isEvent(choice) && choice.kind !== 'lost-reply') {
    return { ...before, events: before.events + 1 };
  }
  // When time passes for a sleeper, it has passed while others could have continued.
  const overtaken = (one: Choice): boolean =>
    choice.kind === 'wake' ? one.actor !== choice.actor : one.actor === previous;
  const couldGoOn = choices.some(one => overtaken(one) && goesOn(one));
  const switches = previous !== undefined && (choice.kind === 'wake' || choice.actor !== previous);
  return {
    events: before.events + (isEvent(choice) ? 1 : 0),
    preemptions: before.preemptions + (switches && couldGoOn ? 1 : 0),
  };
}

export function within(cost: Cost, bound: Bound): boolean {
  const most = cost.events === 0 ? bound.preemptions : bound.preemptionsWithEvent;
  return cost.events <= bound.events && (most === undefined || cost.preemptions <= most);
}

/** Smaller is simpler: fewer events first, then fewer preemptions. */
export function compareCost(a: Cost, b: Cost): number {
  return a.events - b.events || a.preemptions - b.preemptions;
}

/**
 * The choice that costs nothing: whoever ran continues. Sleepers let the others run first: otherwise
 * a loop of try and sleep would never see its lock freed.
 */
export function cheapest(
  choices: readonly Choice[],
  previous: number | undefined,
): Choice | undefined {
  const own = choices.filter(choice => !isEvent(choice));
  return (
    own.find(choice => choice.actor === previous && goesOn(choice)) ??
    own.find(choice => goesOn(choice)) ??
    own.find(choice => choice.kind === 'victim') ??
    own.find(choice => choice.actor !== previous) ??
    own[0]
  );
}

function goesOn(choice: Choice): boolean {
  return choice.kind === 'step' || choice.kind === 'effect';
}
