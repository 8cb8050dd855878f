import { letter } from '../search/choice.ts';
import type { RunningActor } from './actor.ts';
import type { Option } from './option.ts';
import type { ExecutionSettings } from './trace.ts';
import { heldStep, type LaneBook, type TrackedLane } from './tracked-lane.ts';
import { limitsLast, wakes } from './wakes.ts';

/** Every step that may be taken now; events come apart. The order is the same in every run. */
export function options(
  actors: readonly RunningActor[],
  book: LaneBook,
  { fuseNodes, beginsApart }: Pick<ExecutionSettings, 'fuseNodes' | 'beginsApart'>,
): Option[] {
  const victims = deadlocked(book).map(one => victim(one));
  if (victims.length > 0) return victims;
  const holding = book.holding();
  const possible = actors.flatMap((actor, index) => {
    // A dead client's statement is still at the server, and goes on there.
    const parked = book.of(index).filter(one => one.wait === 'phase');
    if (actor.end?.kind === 'crashed') return parked.map(effect);
    const own = holding.filter(one => one.actor === index);
    const steps = fuseNodes ? grouped(own) : own.map(one => [one]);
    const found = steps.map((lanes, at) => step(index, lanes, steps.length > 1 ? at : undefined));
    if (beginsApart === true) found.push(...own.filter(isBegin).map(beginAlone));
    found.push(...parked.map(effect));
    // A request that time has passed beside once does not hold its caller's clock any more.
    if ([...own, ...parked].every(one => one.overtaken)) found.push(...wakes(actor, index, book));
    return found;
  });
  return limitsLast(possible, actors);
}

/** Members of a cycle of lock waits. */
export function deadlocked(book: LaneBook): TrackedLane[] {
  const waiting = book.all.filter(one => one.wait === 'lock' && !one.lane.closed);
  const byPid = new Map(waiting.map(one => [one.lane.pid, one]));
  const reaches = (from: TrackedLane, goal: TrackedLane, seen: Set<TrackedLane>): boolean => {
    if (seen.has(from)) return false;
    seen.add(from);
    return from.blockers.some(pid => {
      const next = byPid.get(pid);
      return next !== undefined && (next === goal || reaches(next, goal, seen));
    });
  };
  return waiting.filter(one => reaches(one, one, new Set()));
}

/** Why nothing can happen any more, for the report. */
export function whoWaits(actors: readonly RunningActor[], book: LaneBook): string {
  const waiting = actors.flatMap((actor, index) => {
    if (actor.end !== undefined) return [];
    const step = book.of(index).find(({ lane }) => lane.inFlight !== undefined);
    return [
      `${letter(index)} waits at ${step?.lane.inFlight?.label ?? 'something in its process'}`,
    ];
  });
  return waiting.join('; ');
}

/** The same request to several Redis nodes at once (one acquire of Redlock) is one step. */
function grouped(holding: readonly TrackedLane[]): TrackedLane[][] {
  const groups: TrackedLane[][] = [];
  for (const one of holding) {
    const { shape, store } = heldStep(one);
    const group = groups.find(([first]) => {
      const other = first?.lane.held;
      return other?.shape === shape && other.store !== store && store.startsWith('redis');
    });
    if (group === undefined) groups.push([one]);
    else group.push(one);
  }
  return groups;
}

function step(actor: number, lanes: readonly TrackedLane[], at: number | undefined): Option {
  const [first] = lanes;
  const shape = first === undefined ? '' : heldStep(first).shape;
  const legacy = `${letter(actor)}${at === undefined || at === 0 ? '' : at}`;
  const token = first === undefined ? letter(actor) : nameOf(first);
  return { choice: { token, legacy, kind: 'step', actor, shape }, lanes };
}

function isBegin(one: TrackedLane): boolean {
  return heldStep(one).role === 'begin';
}

function beginAlone(one: TrackedLane): Option {
  const token = `-${nameOf(one)}`;
  const { shape } = heldStep(one);
  return { choice: { token, legacy: token, kind: 'step', actor: one.actor, shape }, lanes: [one] };
}

/** A lane as tokens name it: the first of its actor by the letter alone. */
function nameOf({ actor, number = 1 }: TrackedLane): string {
  return `${letter(actor)}${number === 1 ? '' : number}`;
}

function effect(one: TrackedLane): Option {
  const { actor } = one;
  const shape = `effect of ${one.lane.inFlight?.shape ?? ''}`;
  const names = { token: `+${nameOf(one)}`, legacy: letter(actor) };
  return { choice: { ...names, kind: 'effect', actor, shape }, lanes: [one] };
}

function victim(one: TrackedLane): Option {
  const { actor } = one;
  const names = { token: `^${nameOf(one)}`, legacy: `^${letter(actor)}` };
  return { choice: { ...names, kind: 'victim', actor, shape: 'deadlock detected' }, lanes: [one] };
}

/** A search knows its choices by their tokens: two that share one would be taken for each other. */
export function checkTokens(possible: readonly Option[]): void {
  const tokens = new Set(possible.map(({ choice }) => choice.token));
  if (tokens.size === possible.length) return;
  const all = possible.map(({ choice }) => `${choice.token} (${choice.kind})`).join(', ');
  throw new Error(`two choices share a token: ${all}`);
}
