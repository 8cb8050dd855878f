import type { Lane } from '../gate/lane.ts';
import { type Choice, type EventKind, eventKinds, letter } from '../search/choice.ts';
import type { RunningActor } from './actor.ts';
import { type Arena, realNow } from './arena.ts';
import { cancel } from './cancel.ts';
import { type Leases, spaced } from './leases.ts';
import type { Option } from './option.ts';
import { endWait } from './server-wait.ts';
import { isPending, type LaneBook, type TrackedLane } from './tracked-lane.ts';
import { isLimit } from './wakes.ts';

export interface EventContext {
  readonly arena: Arena;
  readonly actors: readonly RunningActor[];
  readonly book: LaneBook;
  readonly leases: Leases;
  /** As in version 1 of the schedules: one event ends every key that has a time to live. */
  readonly leasesTogether: boolean;
}

/** The events that are switched on and can happen at this point. */
export async function offeredEvents(
  switches: ReadonlySet<EventKind>,
  context: EventContext,
  steps: readonly Option[],
): Promise<Option[]> {
  const offered: Option[] = [];
  const alive = context.actors.flatMap((actor, index) => (actor.end === undefined ? [index] : []));
  if (alive.length === 0) return [];
  if (switches.has('crash')) {
    for (const actor of alive)
      if (started(context.book, actor)) offered.push(event('crash', actor));
  }
  if (switches.has('lost-reply')) {
    for (const { choice, lanes } of steps) {
      if (choice.kind !== 'step' || choice.actor === undefined) continue;
      if (lanes.some(({ lane }) => lane.held?.role !== 'request')) continue;
      offered.push({ ...replyLost(choice, choice.actor), lanes });
    }
  }
  if (switches.has('timeout')) {
    for (const actor of alive) {
      if (steps.some(step => isLimit(step) && step.choice.actor === actor)) continue;
      const lanes = context.book.of(actor).filter(timesOut);
      if (lanes.length > 0) offered.push({ ...event('timeout', actor), lanes });
    }
  }
  if (switches.has('client-timeout')) {
    for (const actor of alive)
      if (impatient(context, actor)) offered.push(event('client-timeout', actor));
  }
  if (switches.has('backend-terminated')) {
    for (const actor of alive) {
      const lanes = context.book.of(actor).filter(({ lane }) => lane.hasBackend);
      if (lanes.length > 0) offered.push({ ...event('backend-terminated', actor), lanes });
    }
  }
  return [...offered, ...(await offeredByTime(switches, context, alive))];
}

/** A request of its own is on its way, and a timer may be due before the answer. */
function impatient({ actors, book }: EventContext, actor: number): boolean {
  if (actors[actor]?.timerMs === undefined) return false;
  // Beside a wait at Redis time passes anyhow.
  return book.of(actor).some(one => isPending(one) && !one.overtaken && one.wait !== 'server');
}

async function offeredByTime(
  switches: ReadonlySet<EventKind>,
  context: EventContext,
  alive: readonly number[],
): Promise<Option[]> {
  const expiring = switches.has('lease-expires') || switches.has('pause');
  if (!expiring && !switches.has('redis-loses-data')) return [];
  const { leases, leasesTogether } = context;
  await leases.look();
  const offered: Option[] = [];
  if (switches.has('lease-expires') && leases.ends.length > 0) {
    if (leasesTogether) offered.push(event('lease-expires'));
    else for (const [at, end] of leases.ends.entries()) offered.push(leaseEnds(at + 1, end.shape));
  }
  if (switches.has('redis-loses-data') && leases.keys > 0) offered.push(event('redis-loses-data'));
  if (switches.has('pause') && leases.ends.length > 0) {
    for (const actor of alive)
      if (started(context.book, actor)) offered.push(event('pause', actor));
  }
  return offered;
}

function leaseEnds(rank: number, names: string): Option {
  const { choice, lanes } = event('lease-expires');
  return { choice: { ...choice, token: `%${rank}`, shape: `lease-expires ${names}` }, lanes };
}

/** Makes it happen; resolves, when its direct effect is complete, to a note for the timeline. */
export async function performEvent(
  choice: Choice,
  lanes: readonly TrackedLane[],
  context: EventContext,
): Promise<string> {
  const actor = choice.actor ?? 0;
  switch (choice.kind) {
    case 'crash':
      return crash(context, actor);
    case 'backend-terminated':
      for (const { lane } of lanes) await terminate(context.arena, lane);
      return 'server closed the connection';
    case 'timeout':
      return timeOut(context, actor, lanes);
    case 'redis-loses-data':
      context.arena.redisTraces.any = true;
      for (const redis of context.arena.redis) await redis.ask('flushall');
      return 'every key is gone';
    case 'client-timeout':
      return clientTimesOut(context, actor);
    case 'pause':
      return pause(context, actor);
    case 'lease-expires':
      return expire(context, choice);
    default:
      throw new Error(`${choice.kind} is no event`);
  }
}

/** Pending requests stay on their way, whatever their client does; from here on time may pass meanwhile as in a sleep. */
function clientTimesOut({ actors, book }: EventContext, index: number): string {
  const ms = actors[index]?.timerMs ?? 0;
  for (const one of book.of(index).filter(isPending)) {
    one.overtaken = true;
    one.lane.sent();
  }
  actors[index]?.wake();
  return `its own timer fires: ${spaced(ms)} ms have passed beside its request`;
}

/** Stops it until it can hold no lease any more: for the longest of those that can end. */
async function pause(
  { actors, leases, leasesTogether }: EventContext,
  index: number,
): Promise<string> {
  if (leasesTogether) {
    const { longestMs, names } = await leases.endEveryKey();
    actors[index]?.pause(longestMs + 1);
    return `stopped for ${spaced(longestMs + 1)} ms; ${names.join(', ')} expired`;
  }
  const ms = (leases.longestMs ?? leases.lengthMaxMs) + 1;
  const said = await leases.endAll();
  actors[index]?.pause(ms);
  return `stopped for ${spaced(ms)} ms; ${said}`;
}

async function expire({ leases }: EventContext, { token }: Choice): Promise<string> {
  const end = leases.ends[Number(token.slice(1)) - 1];
  if (token.length > 1 && end !== undefined) return leases.end(end);
  return `${(await leases.endEveryKey()).names.join(', ')} expired`;
}

/** Its code stops and its connections are cut; what a server has in hand still takes effect. */
function crash(context: EventContext, index: number): string {
  for (const gate of context.arena.ports[index]?.gates ?? []) gate.admits = false;
  context.actors[index]?.kill();
  const blocked = context.book.of(index).some(({ lane }) => lane.inFlight !== undefined);
  for (const { lane } of context.book.of(index)) lane.cut();
  return blocked ? 'its statement stays at the server' : 'its connections are cut';
}

async function terminate(arena: Arena, lane: Lane): Promise<void> {
  if (lane.pid === undefined) return;
  await arena.postgres.terminate(lane.pid);
  const untilMs = realNow() + 5_000;
  while (lane.hasBackend && realNow() < untilMs) await arena.activity.next(5);
}

/** It waits with a limit that it has set at the server; the gate has switched it off in real time. */
function timesOut({ lane, wait, dueMs }: TrackedLane): boolean {
  if (wait === 'server') return dueMs !== undefined;
  return wait === 'lock' && lane.stated?.timeout !== undefined;
}

async function timeOut(
  { arena, actors }: EventContext,
  index: number,
  lanes: readonly TrackedLane[],
): Promise<string> {
  for (const one of lanes) {
    if (one.dueMs !== undefined) {
      actors[index]?.passTo(one.dueMs);
      await endWait(arena, one);
    } else await cancel(arena, one.lane, one.lane.stated?.timeout);
  }
  return 'the server ends its wait';
}

/** Killing an actor that has taken no step shows nothing new. */
function started(book: LaneBook, actor: number): boolean {
  return book.of(actor).some(({ lane }) => lane.inFlight !== undefined || lane.granted > 0);
}

/** The event that a token of a schedule stands for; undefined for a step. */
export function eventOfToken(token: string): EventKind | undefined {
  return eventKinds.find(kind => marks[kind] === token[0]);
}

const marks: Readonly<Record<EventKind, string>> = {
  crash: '!',
  'lost-reply': '?',
  'lease-expires': '%',
  'redis-loses-data': '#',
  'backend-terminated': '*',
  pause: '~',
  timeout: '@',
  'client-timeout': '&',
};

function event(kind: EventKind, actor?: number): Option {
  const token = `${marks[kind]}${actor === undefined ? '' : letter(actor)}`;
  return { choice: { token, legacy: token, kind, actor, shape: kind }, lanes: [] };
}

/** Of each step that an actor holds: the reply of any of them may be the one that is lost. */
function replyLost({ token, shape }: Choice, actor: number): Option {
  const { choice, lanes } = event('lost-reply', actor);
  const named = { token: `${marks['lost-reply']}${token}`, shape: `lost-reply ${shape}` };
  return { choice: { ...choice, ...named }, lanes };
}
