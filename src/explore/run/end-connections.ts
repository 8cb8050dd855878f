import { type Arena, realNow } from './arena.ts';
import type { LaneBook, TrackedLane } from './tracked-lane.ts';

/** A terminated backend is gone within this; it gives back at once what it holds. */
const endMs = 10_000;
/** How often connections are looked at, each time after a movement or 5 ms. */
const looksMax = 1_000;
/** After this many looks, connections that do not close by themselves are closed. */
const patientLooks = 100;

/**
 * Cuts every connection of an order, but for those that stay, and resolves when all others are closed.
 * Backends whose statement is parked or waits for a lock are terminated: Postgres does not notice there
 * that the client is gone, and their locks would affect the next order. Rejects where a backend does not
 * end.
 */
export async function endConnections(arena: Arena, book: LaneBook): Promise<void> {
  const kept = book.all.filter(({ lane, actor }) => arena.keeps(lane, actor));
  arena.kept = kept;
  const waiting = book.flying();
  for (const { lane } of waiting) lane.doom();
  for (const one of book.all) if (!kept.includes(one)) one.lane.cut('for good');
  await endBackends(arena, waiting);
  for (let look = 0; look < looksMax; look++) {
    const open = book.all.filter(one => !one.lane.closed && !kept.includes(one));
    if (open.length === 0) return;
    await arena.activity.next(5);
    if (look !== patientLooks) continue;
    for (const { lane } of open) lane.destroy();
    await endBackends(arena, open);
  }
}

async function endBackends(
  { postgres, activity }: Arena,
  lanes: readonly TrackedLane[],
): Promise<void> {
  let left: readonly number[] = lanes.flatMap(({ lane }) =>
    lane.pid === undefined ? [] : [lane.pid],
  );
  if (left.length === 0) return;
  const untilMs = realNow() + endMs;
  for (left = await postgres.end(left); left.length > 0; left = await postgres.end(left)) {
    if (realNow() > untilMs) throw new Error(`backends ${left.join(', ')} do not end`);
    await activity.next(2);
  }
  await postgres.forgetGates();
}
