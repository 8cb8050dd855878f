import type { ActorEnd, RunningActor } from './actor.ts';
import type { LaneBook } from './tracked-lane.ts';

/** What callers left behind that have been told their answer, in sentences: then nothing is final. */
export function unquiet(actors: readonly RunningActor[], book: LaneBook): readonly string[] {
  return book.all.flatMap(({ lane, actor }) => {
    const one = actors[actor];
    if (one?.end?.kind !== 'returned' || lane.closed || lane.transaction === 'I') return [];
    return [`${one.name} ended and left a transaction open`];
  });
}

/** Connections of callers that are done may have something inserted for them still to say. */
export function tellEnded(actors: readonly RunningActor[], book: LaneBook): void {
  for (const { lane, actor } of book.all) {
    const end = actors[actor]?.end;
    if (end !== undefined && end.kind !== 'crashed') lane.callerEnded(end.kind === 'threw');
  }
}

/** What was inserted behind the caller's own statements failed: it would have been told that. */
export function failedBehind(book: LaneBook, actor: number): ActorEnd | undefined {
  const failed = book.all.find(one => one.actor === actor && one.lane.failed !== undefined);
  const code = failed?.lane.failed?.replace(/^.*error /, '');
  if (code === undefined) return undefined;
  return { kind: 'threw', message: `${code}: at a statement that what-if inserts` };
}
