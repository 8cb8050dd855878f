import type { Lane } from '../gate/lane.ts';
import type { ActorEnd, ActorUrls, RunningActor } from './actor.ts';
import type { Arena } from './arena.ts';
import type { ProcessTie, RequestActor } from './child-actor.ts';
import { freePorts } from './free-ports.ts';
import type { Actor } from './subject.ts';
import { toldShape } from './told-shape.ts';
import { WarmCall, WarmService } from './warm-service.ts';

/** Services that have to be started anew more often than this are not warm at all. */
const startsFree = 12;
const startsPerOrder = 0.5;
/** In every so many orders the services are started anew, and have to do the same again. */
const checkEvery = 25;

/** Services do not do the same from order to order: they have to be started for each. */
export class NotWarm extends Error {
  override readonly name = 'NotWarm';
}

interface Slot {
  readonly actor: RequestActor;
  service: WarmService | undefined;
  /** Connections that it had when it had been warmed up. */
  lanes: ReadonlySet<Lane>;
}

/** What a request did that was alone, from the start. */
export interface AloneRun {
  readonly end: ActorEnd | undefined;
  /** Its statements, without values. */
  readonly shapes: readonly string[];
}

/**
 * What a process did with its first request it has to do with the second, but for what its connections
 * began with: otherwise it remembers something that matters.
 */
function refuseMemory(fresh: AloneRun, again: AloneRun): void {
  const [first, second] = [toldShape([fresh.end]), toldShape([again.end])];
  if (first !== second)
    throw new NotWarm(`a service answers ${second} to the request that it answered with ${first}`);
  const from = fresh.shapes.length - again.shapes.length;
  if (again.shapes.every((shape, at) => fresh.shapes[from + at] === shape)) return;
  throw new NotWarm('a service takes other steps for a request that it has had before');
}

/** The processes of callers that stay from one order to the next, and their connections. */
export class WarmServices {
  readonly #arena: Arena;
  readonly #slots = new Map<number, Slot>();
  #starts = 0;
  #orders = 0;

  constructor(arena: Arena, actors: readonly Actor[]) {
    this.#arena = arena;
    for (const [index, actor] of actors.entries()) {
      if (typeof actor === 'function' || !('service' in actor) || actor.warm !== true) continue;
      this.#slots.set(index, { actor, service: undefined, lanes: new Set() });
    }
    if (this.#slots.size > 0) arena.keeps = (lane, actor) => this.#keeps(lane, actor);
  }

  /** All of them run, with the connections that they had when they were warm. */
  get intact(): boolean {
    return this.#cold.length === 0;
  }

  get #cold(): readonly number[] {
    return [...this.#slots].filter(([index, slot]) => !this.#isWarm(index, slot)).map(([at]) => at);
  }

  #isWarm(index: number, { service, lanes }: Slot): boolean {
    const kept = this.#arena.kept.filter(({ actor, lane }) => actor === index && !lane.closed);
    const same = kept.length === lanes.size && kept.every(({ lane }) => lanes.has(lane));
    return service?.gone === false && same;
  }

  /**
   * Starts those that are not warm, and lets each answer its request once, alone; what that leaves is
   * the caller's to put back. Rejects with NotWarm where they never stay as they were.
   */
  async start(warmUp: (index: number) => Promise<AloneRun>): Promise<void> {
    for (const index of this.#cold) {
      const slot = this.#slots.get(index);
      const urls = this.#arena.ports[index]?.urls;
      if (slot === undefined || urls === undefined) continue;
      this.#starts++;
      if (this.#starts > startsFree + this.#orders * startsPerOrder)
        throw new NotWarm('the services do not keep their connections from order to order');
      this.#end(index, slot);
      await this.#begin(slot, urls);
      const fresh = await warmUp(index);
      const again = await warmUp(index);
      const { end } = fresh;
      if (end?.kind !== 'returned') {
        const why = end?.kind === 'threw' ? end.message : 'it never ends';
        throw new NotWarm(`a service does not answer when it is alone: ${why}`);
      }
      refuseMemory(fresh, again);
      const own = this.#arena.kept.filter(({ actor }) => actor === index);
      slot.lanes = new Set(own.map(({ lane }) => lane));
    }
  }

  /** A caller whose service stays; undefined for any other. */
  call(name: string, index: number, tie: ProcessTie): RunningActor | undefined {
    const slot = this.#slots.get(index);
    if (slot?.service === undefined) return undefined;
    return new WarmCall(name, slot.actor, slot.service, tie);
  }

  /** Counts an order; true where it has to be repeated with services that were just started. */
  isCheckDue(): boolean {
    if (this.#slots.size === 0) return false;
    this.#orders++;
    return this.#orders % checkEvery === 1;
  }

  /** Ends all of them: the next order starts them anew. */
  stop(): void {
    for (const [index, slot] of this.#slots) this.#end(index, slot);
  }

  async #begin(slot: Slot, urls: ActorUrls): Promise<void> {
    const [port = 0] = await freePorts(1);
    slot.service = new WarmService(slot.actor.service, urls, port);
    await slot.service.listening();
  }

  #end(index: number, slot: Slot): void {
    slot.service?.kill();
    slot.service = undefined;
    slot.lanes = new Set();
    for (const { lane, actor } of this.#arena.kept) if (actor === index) lane.destroy();
    this.#arena.kept = this.#arena.kept.filter(({ actor }) => actor !== index);
  }

  /** A connection at rest stays; any other takes its process with it. */
  #keeps(lane: Lane, actor: number): boolean {
    const service = this.#slots.get(actor)?.service;
    if (service === undefined || service.gone) return false;
    if (lane.closed) return false;
    const atRest =
      lane.held === undefined &&
      lane.inFlight === undefined &&
      !lane.busy &&
      !lane.holds &&
      !lane.listens &&
      lane.transaction === 'I';
    if (!atRest) service.kill();
    return atRest;
  }
}

/** Stands for a caller that does nothing in a run of another. */
export function bystander(name: string): RunningActor {
  return {
    name,
    end: { kind: 'returned', value: undefined },
    asleep: false,
    working: false,
    patienceMs: 0,
    graceMs: 0,
    connecting: false,
    timerMs: undefined,
    leavesTimers: false,
    nowMs: 0,
    awaitsElsewhere: false,
    reached: [],
    look: () => undefined,
    wake: () => undefined,
    passTo: () => undefined,
    pause: () => undefined,
    kill: () => undefined,
  };
}
