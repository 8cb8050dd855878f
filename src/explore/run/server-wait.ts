import { type Arena, realNow } from './arena.ts';
import { Unexplained } from './settle.ts';
import type { TrackedLane } from './tracked-lane.ts';

const answerMs = 5_000;

/**
 * Ends a wait at Redis as its time limit would, by `CLIENT UNBLOCK … TIMEOUT` (redis.io, CLIENT
 * UNBLOCK). Resolves when the answer is here. Throws Unexplained where CLIENT ID is not allowed.
 */
export async function endWait(arena: Arena, { lane }: TrackedLane): Promise<void> {
  const id = lane.clientId;
  const label = lane.inFlight?.label ?? '';
  if (id === undefined) {
    throw new Unexplained(`${label} waits, and this Redis does not allow CLIENT ID: allow it`);
  }
  const node = Number(lane.store.split(' ')[1] ?? '1') - 1;
  await arena.redis[node]?.ask('client', 'unblock', String(id), 'timeout');
  const untilMs = realNow() + answerMs;
  while (!lane.answered && !lane.closed && realNow() < untilMs) await arena.activity.next(5);
}
