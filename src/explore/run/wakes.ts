import { letter } from '../search/choice.ts';
import type { RunningActor } from './actor.ts';
import type { Option } from './option.ts';
import type { LaneBook, TrackedLane } from './tracked-lane.ts';

/** What happens to an actor when time passes for it: its next timer, or the end of a wait at Redis. */
export function wakes(actor: RunningActor, index: number, book: LaneBook): Option[] {
  const flying = book.of(index).filter(one => one.lane.inFlight !== undefined && !one.overtaken);
  if (flying.some(one => one.wait !== 'server')) return [];
  const [first] = flying
    .filter(one => one.dueMs !== undefined)
    .sort((a, b) => (a.dueMs ?? 0) - (b.dueMs ?? 0));
  const { timerMs } = actor;
  const timerFirst = timerMs !== undefined && actor.nowMs + timerMs < (first?.dueMs ?? Infinity);
  if (first !== undefined && !timerFirst) return [wake(index, first)];
  return timerFirst || (actor.asleep && flying.length === 0) ? [wake(index)] : [];
}

function wake(actor: number, waits?: TrackedLane): Option {
  const token = letter(actor).toLowerCase();
  const shape = waits === undefined ? 'its clock moves' : `over: ${waits.lane.inFlight?.shape}`;
  const choice = { token, legacy: token, kind: 'wake', actor, shape } as const;
  return { choice, lanes: waits === undefined ? [] : [waits] };
}

/**
 * A sleep may end at any point, however long it is. A limit that somebody has set to a wait is like a
 * `lock_timeout`: while others could go on, or sleep for less, it passes only as the event `timeout`.
 */
export function limitsLast(possible: readonly Option[], actors: readonly RunningActor[]): Option[] {
  return possible.filter(option => {
    const others = possible.filter(({ choice }) => choice.actor !== option.choice.actor);
    if (!isLimit(option)) {
      // One that only sleeps cannot sleep on for ever after another's limit has passed.
      const onlyWakes = possible.every(({ choice }) => choice.kind === 'wake');
      return !onlyWakes || others.every(one => !isLimit(one) || passesMs(one, actors) > 0);
    }
    const leftMs = passesMs(option, actors);
    return others.every(other => {
      return other.choice.kind === 'wake' && passesMs(other, actors) >= leftMs;
    });
  });
}

/** While one sleeps, time also passes for those that wait with a limit. */
export function timePasses(option: Option, actors: readonly RunningActor[], book: LaneBook): void {
  const ms = passesMs(option, actors);
  if (!Number.isFinite(ms)) return;
  for (const one of book.flying()) {
    if (one.dueMs === undefined || one.actor === option.choice.actor) continue;
    one.dueMs = Math.max(actors[one.actor]?.nowMs ?? 0, one.dueMs - ms);
  }
}

/** The end of a wait at Redis by its own limit. */
export function isLimit({ choice, lanes }: Option): boolean {
  return choice.kind === 'wake' && lanes.length > 0;
}

/** Milliseconds that pass for an actor that wakes; infinite for a program, where it is not known. */
export function passesMs(
  { choice, lanes: [waits] }: Option,
  actors: readonly RunningActor[],
): number {
  const actor = actors[choice.actor ?? -1];
  if (actor === undefined) return Number.POSITIVE_INFINITY;
  if (waits?.dueMs !== undefined) return Math.max(0, waits.dueMs - actor.nowMs);
  return actor.timerMs ?? Number.POSITIVE_INFINITY;
}
