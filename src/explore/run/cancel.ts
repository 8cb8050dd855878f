import type { CancelReason } from '../gate/cancelled.ts';
import type { Lane } from '../gate/lane.ts';
import { type Arena, realNow } from './arena.ts';
import type { LaneBook } from './tracked-lane.ts';

/** A backend sees a signal, and answers, within this. */
const answerMs = 5_000;
/** A cancelled statement answers within this, or was not there to be cancelled. */
const cancelMs = 500;

/**
 * Cancels the statement in flight, whose client reads the error as `reason`. The signal is
 * asynchronous: resolves when the answer is here, before anything else moves.
 */
export async function cancel(
  { postgres, activity }: Arena,
  lane: Lane,
  reason: CancelReason | undefined,
): Promise<void> {
  if (lane.pid === undefined) return;
  lane.readCancelAs(reason);
  await postgres.cancel(lane.pid);
  const untilMs = realNow() + answerMs;
  while (!lane.answered && realNow() < untilMs) await activity.next(5);
}

/** A cancel request of an actor's own: resolves when the backend that it meant has seen the signal. */
export async function cancelArrives({ activity }: Arena, book: LaneBook): Promise<void> {
  const waiting = book.flying().filter(({ lane }) => lane.pid !== undefined);
  const untilMs = realNow() + cancelMs;
  while (realNow() < untilMs && waiting.length > 0) {
    if (waiting.some(({ lane }) => lane.answered)) return;
    await activity.next(5);
  }
}
