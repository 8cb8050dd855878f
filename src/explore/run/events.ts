import { PostgresLane } from '../gate/postgres-gate.ts';
import { type Choice, type EventKind, eventKinds, letter } from '../search/choice.ts';
import type { RunningActor } from './actor.ts';
import { type Arena, realNow } from './arena.ts';
import type { Option } from './options.ts';
import type { LaneBook, TrackedLane } from './tracked-lane.ts';

export interface EventContext {
  readonly arena: Arena;
  readonly actors: readonly RunningActor[];
  readonly book: LaneBook;
}

/** The events that can happen at this point, of those that are switched on. */
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
      const lanes = context.book.of(actor).filter(one => one.wait === 'lock' && timesOut(one.lane));
      if (lanes.length > 0) offered.push({ ...event('timeout', actor), lanes });
    }
  }
  if (switches.has('backend-terminated')) {
    for (const actor of alive) {
      const lanes = context.book.of(actor).filter(({ lane }) => terminable(lane));
      if (lanes.length > 0) offered.push({ ...event('backend-terminated', actor), lanes });
    }
  }
  return [...offered, ...(await offeredByRedis(switches, context, alive))];
}

async function offeredByRedis(
  switches: ReadonlySet<EventKind>,
  context: EventContext,
  alive: readonly number[],
): Promise<Option[]> {
  const expiring = switches.has('lease-expires') || switches.has('pause');
  if (!expiring && !switches.has('redis-loses-data')) return [];
  const keys = await volatileKeys(context.arena);
  const offered: Option[] = [];
  if (switches.has('lease-expires') && keys.volatile > 0) offered.push(event('lease-expires'));
  if (switches.has('redis-loses-data') && keys.all > 0) offered.push(event('redis-loses-data'));
  if (switches.has('pause') && keys.volatile > 0) {
    for (const actor of alive)
      if (started(context.book, actor)) offered.push(event('pause', actor));
  }
  return offered;
}

/** Makes it happen; resolves when its direct effect is complete. Returns what the timeline adds. */
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
      for (const { lane } of lanes) await timeOut(context.arena, lane);
      return 'the server cancels the statement that waits';
    case 'redis-loses-data':
      for (const redis of context.arena.redis) await redis.ask('flushdb');
      return 'every key is gone';
    case 'pause': {
      const expired = await expireLeases(context.arena);
      context.actors[actor]?.pause(expired.longestMs + 1);
      return `stopped for ${expired.longestMs + 1} ms; expired: ${expired.keys.join(', ')}`;
    }
    case 'lease-expires':
      return `expired: ${(await expireLeases(context.arena)).keys.join(', ')}`;
    default:
      throw new Error(`${choice.kind} is no event`);
  }
}

/** Its code stops and its connections are cut; what a server has in hand still takes effect. */
function crash(context: EventContext, index: number): string {
  for (const gate of context.arena.ports[index]?.gates ?? []) gate.admits = false;
  context.actors[index]?.kill();
  const blocked = context.book.of(index).some(({ lane }) => lane.inFlight !== undefined);
  for (const { lane } of context.book.of(index)) lane.cut();
  return blocked ? 'its statement stays at the server' : 'its connections are cut';
}

async function terminate(arena: Arena, lane: TrackedLane['lane']): Promise<void> {
  if (lane.pid === undefined) return;
  await arena.postgres.terminate(lane.pid);
  const untilMs = realNow() + 5_000;
  while (terminable(lane) && realNow() < untilMs) await arena.activity.next(5);
}

/** The session has set a timeout of the server; the gate has switched it off in real time. */
function timesOut(lane: TrackedLane['lane']): boolean {
  return lane instanceof PostgresLane && lane.stated.timeout !== undefined;
}

async function timeOut(arena: Arena, lane: TrackedLane['lane']): Promise<void> {
  if (!(lane instanceof PostgresLane) || lane.pid === undefined) return;
  lane.cancelReads = lane.stated.timeout;
  await arena.postgres.cancel(lane.pid);
  const untilMs = realNow() + 5_000;
  while (!lane.answered && realNow() < untilMs) await arena.activity.next(5);
}

function terminable(lane: TrackedLane['lane']): boolean {
  return lane instanceof PostgresLane && lane.connected;
}

/** An actor that has taken no step cannot lose anything by dying: the others' orders show that. */
function started(book: LaneBook, actor: number): boolean {
  return book.of(actor).some(({ lane }) => lane.inFlight !== undefined || lane.granted > 0);
}

const countKeys = `
  local volatile, all = 0, redis.call('keys', '*')
  for _, key in ipairs(all) do
    if redis.call('pttl', key) >= 0 then volatile = volatile + 1 end
  end
  return { volatile, #all }`;

async function volatileKeys(arena: Arena): Promise<{ volatile: number; all: number }> {
  const sum = { volatile: 0, all: 0 };
  for (const redis of arena.redis) {
    const counted = await redis.ask('eval', countKeys, '0');
    if (!Array.isArray(counted)) continue;
    sum.volatile += Number(counted[0]);
    sum.all += Number(counted[1]);
  }
  return sum;
}

const deleteVolatile = `
  local expired, longest = {}, 0
  for _, key in ipairs(redis.call('keys', '*')) do
    local left = redis.call('pttl', key)
    if left >= 0 then
      longest = math.max(longest, left)
      expired[#expired + 1] = key
      redis.call('del', key)
    end
  end
  table.sort(expired)
  return { longest, unpack(expired) }`;

/** Deletes every key that has a time to live, as if the longest of them had passed. */
export async function expireLeases(arena: Arena): Promise<{ longestMs: number; keys: string[] }> {
  let longestMs = 0;
  const keys: string[] = [];
  for (const redis of arena.redis) {
    const answer = await redis.ask('eval', deleteVolatile, '0');
    if (!Array.isArray(answer)) continue;
    longestMs = Math.max(longestMs, Number(answer[0]));
    keys.push(...answer.slice(1).map(String));
  }
  return { longestMs, keys };
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
