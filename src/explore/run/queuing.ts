import type { Footprint } from '../search/footprint.ts';
import type { Named } from './named-relations.ts';
import type { LaneBook, TrackedLane } from './tracked-lane.ts';

/** Whether a statement inside a transaction only stands in a queue, or leaves all queues as they are. */
export function queuing(
  one: TrackedLane,
  { locksFirst, advisory }: Named,
  book: LaneBook,
): Pick<Footprint, 'waitsFor' | 'goesOn'> {
  if (one.lane.inFlight === undefined) return advisory ? {} : { goesOn: laneName(one) };
  return locksFirst && one.wait === 'lock' ? { waitsFor: holder(one, book) } : {};
}

/** Whose transaction is at the head of the queue, if there is only one. */
function holder(waiting: TrackedLane, book: LaneBook): string | undefined {
  const open = book.all.filter(({ lane }) => !lane.closed);
  let at: TrackedLane | undefined = waiting;
  for (let length = 0; at?.wait === 'lock' && length <= open.length; length++) {
    const [pid, ...others]: readonly number[] = at.blockers;
    at = others.length > 0 ? undefined : open.find(({ lane }) => lane.pid === pid);
  }
  return at?.wait === 'no' ? laneName(at) : undefined;
}

/** The same in every run, unlike its backend's pid. */
function laneName({ actor, number }: TrackedLane): string {
  return `${actor} ${number}`;
}
