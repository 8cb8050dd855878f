import { type Choice, isEvent } from './choice.ts';
import { cheapest } from './cost.ts';
import type { DecisionPoint } from './point.ts';

/** Decides who goes next, throughout one execution. Searches, draws and replays make one for each. */
export interface Scheduler {
  /**
   * One of the choices of the point; undefined gives the execution up. Throws Nondeterministic where
   * it repeats a schedule that cannot be followed here.
   */
  next(point: DecisionPoint): Choice | undefined;
  /**
   * Whether the next point has to tell what the choice touched that was made last: that is asked of
   * the servers, so only where somebody looks. Left out: never.
   */
  needsTouched?(): boolean;
}

/** Runs one schedule from its start. Rejects with OutOfTime where its time ran out. */
export type Execute = (scheduler: Scheduler) => Promise<void>;

/** One actor after the other, as far as they can: without events and without switches. */
export const cheapestFirst: Scheduler = {
  next: ({ choices, previous }) => cheapest(choices, previous),
};

/** One actor alone, while the others wait at their first step. */
export function only(actor: number): Scheduler {
  return { next: ({ choices }) => choices.find(one => one.actor === actor && !isEvent(one)) };
}
