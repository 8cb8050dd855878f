import type { RunningActor } from './actor.ts';
import type { LaneBook } from './tracked-lane.ts';

/** What callers left behind that have been told their answer, in sentences: then nothing is final. */
export function unquiet(actors: readonly RunningActor[], book: LaneBook): readonly string[] {
  return book.all.flatMap(({ lane, actor }) => {
    const one = actors[actor];
    if (one?.end?.kind !== 'returned' || lane.closed || lane.transaction === 'I') return [];
    return [`${one.name} ended and left a transaction open`];
  });
}
