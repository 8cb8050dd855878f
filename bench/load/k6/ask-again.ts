/** After the audit: whether each contested key still gives a turn to whoever comes next. */
import { sleep } from 'k6';
import { counters } from './measures.ts';
import { type Answer, type Command, type Served, sendAll } from './service.ts';
import type { Settings } from './settings.ts';

/** Of more contested keys a sample of this size is asked. */
export const askedMax = 200;
const graceMs = 1_000; // a lock node may have been told of a lease after the answer

/** Evenly spread over these, at most `askedMax`. */
export function sampled<T>(keys: readonly T[]): readonly T[] {
  const place = (at: number): number => Math.floor((at * askedMax) / keys.length);
  return keys.length <= askedMax ? keys : keys.filter((_, at) => place(at) !== place(at - 1));
}

/**
 * Sends each of these commands, one for each key. Those told busy are sent once more when every lease
 * has passed, and what is busy then is stuck. `endedMs`: when the load had ended.
 */
export function askAgain(
  settings: Settings,
  served: Served,
  commands: readonly Command[],
  endedMs: number,
): void {
  const first = sendAll(settings, served, commands);
  const busy = commands.filter((_, at) => isKeptOut(first[at]));
  const leftMs = endedMs + settings.leaseSeconds * 1_000 + graceMs - Date.now();
  if (busy.length > 0 && leftMs > 0) sleep(leftMs / 1_000);
  const second = sendAll(settings, served, busy);
  const last = [...first.filter(one => !isKeptOut(one)), ...second];
  const stuck = last.filter(isKeptOut).length;
  const answered = last.filter(({ outcome }) => outcome === 'accepted' || outcome === 'refused');
  counters.keys_asked.add(last.length);
  counters.keys_stuck.add(stuck);
  counters.keys_unanswered.add(last.length - stuck - answered.length);
}

/** Told busy, and not because it had the turn and lost it: then nobody keeps it out. */
function isKeptOut(answer: Answer | undefined): boolean {
  return answer?.outcome === 'busy' && answer.reason !== 'turn-lost';
}
