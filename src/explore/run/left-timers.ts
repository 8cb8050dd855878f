import type { RunningActor } from './actor.ts';
import type { Settler } from './settle.ts';
import type { ExecutionEnd } from './trace.ts';
import { heldStep, type LaneBook } from './tracked-lane.ts';

/** A pool has a timer for each idle connection; a repeating timer never ends. */
const timersMax = 10;

/**
 * Fires the timers that callers left behind when they returned; the requests that follow are noted and
 * not carried out. To be called when all callers have ended.
 */
export async function fireLeftTimers(
  actors: readonly RunningActor[],
  book: LaneBook,
  settler: Settler,
  asked: Set<string>,
): Promise<ExecutionEnd> {
  for (const [index, actor] of actors.entries()) {
    for (let fired = 0; actor.leavesTimers && fired < timersMax; fired++) {
      actor.wake();
      await settler.settle(false);
      const held = book.holding().find(one => one.actor === index);
      if (held === undefined) continue;
      asked.add(`${actor.name} asks for \`${heldStep(held).label}\``);
      break;
    }
  }
  return { kind: 'ended' };
}
