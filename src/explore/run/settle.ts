import { workersWork } from '../time/workers.ts';
import type { RunningActor } from './actor.ts';
import { type Arena, realNow } from './arena.ts';
import type { WaitsFor } from './postgres-control.ts';
import { asks, isFlying, type LaneBook, type TrackedLane } from './tracked-lane.ts';

/** A granted step neither answers nor waits for anything known: there can be no verdict. */
export class Unexplained extends Error {
  override readonly name = 'Unexplained';
}

/** The time of the whole exploration ran out in the middle of an execution. */
export class Late extends Error {
  override readonly name = 'Late';
}

/** Limits of waits in milliseconds of real time; none of them decides what counts as success. */
export interface Patience {
  /** A step answers, or is seen to wait, within this. */
  readonly stepMs: number;
  /** Steps that take longer are looked up at the server. */
  readonly promptMs: number;
  /** The execution is given up then, in the time of `performance.now`. Default: never. */
  readonly untilMs?: number | undefined;
}

/** Stands for the owner of a prepared transaction's lock: no session holds it. */
const ofPrepared = 0;
const nobody: WaitsFor = { locks: [], snapshot: [] };
const calmHops = 3;
const unusedHops = 8;
const roundsMax = 10_000;
/** Redis replicates and writes its log every second, so it has done both within this real time. */
const serverWritesMs = 1_500;

/** Brings the world to rest after each step: every reply delivered, every wait explained. */
export class Settler {
  readonly #arena: Arena;
  readonly #book: LaneBook;
  readonly #actors: readonly RunningActor[];
  readonly #patience: Patience;
  readonly #delivered: (one: TrackedLane, result: string) => void;

  constructor(
    arena: Arena,
    book: LaneBook,
    actors: readonly RunningActor[],
    patience: Patience,
    delivered: (one: TrackedLane, result: string) => void,
  ) {
    this.#arena = arena;
    this.#book = book;
    this.#actors = actors;
    this.#patience = patience;
    this.#delivered = delivered;
  }

  /**
   * Waits until nobody moves. `mayFree` tells that the step before may have freed waiters;
   * without it, who waited before still waits. Throws Unexplained, or what a gate failed with.
   */
  async settle(mayFree: boolean): Promise<void> {
    let released = mayFree;
    // A step in flight moves nothing in this process before its reply is delivered; but who leaves
    // gives back locks, and who waits for them may be asked only then.
    const flying = this.#book.flying().some(one => one.wait === 'no');
    if (!flying || this.#book.busy()) await this.#quiet();
    for (let round = 0; round < roundsMax; round++) {
      if (released) for (const one of this.#book.flying()) one.wait = 'no';
      await this.#explain();
      const [first] = this.#book.answered();
      if (first === undefined) {
        if (!this.#book.busy()) return;
        // Who leaves gives back locks: only then can one say who still waits.
        await this.#quiet();
        released = true;
        continue;
      }
      this.#deliver(first);
      await this.#messagesArrive();
      await this.#quiet();
    }
    throw new Unexplained('the actors never come to rest');
  }

  #deliver(one: TrackedLane): void {
    const { lane } = one;
    this.#delivered(one, lane.result);
    one.wait = 'no';
    one.blockers = [];
    one.dueMs = undefined;
    one.overtaken = false;
    one.wasLookedAfter = false;
    lane.deliver(one.losesReply ? 'lost' : undefined);
    one.losesReply = false;
  }

  /** Rest inside this process and no start-up at a server. */
  async #quiet(): Promise<void> {
    const { activity, sentinel } = this.#arena;
    const deadlineMs = realNow() + this.#patience.stepMs;
    let seen = -1;
    let calm = 0;
    for (let enough = this.#calmEnough(); calm < enough; enough = this.#calmEnough()) {
      this.#check(deadlineMs);
      if (this.#book.busy()) await activity.next(5);
      else if (calm < enough - 1) await sentinel.turn();
      else await sentinel.hop(); // the last one proves that nothing is on its way
      const connecting = this.#actors.some(actor => actor.connecting);
      const moved = activity.count !== seen || connecting || this.#book.busy();
      seen = activity.count;
      calm = moved ? 0 : calm + 1;
      if (calm >= calmHops && (this.#somebodyComputes() || this.#poolWorks())) {
        await activity.next(2);
        calm = 0;
      }
    }
  }

  /** A connection that was made and has not been used: its client is about to speak, or idle. */
  #calmEnough(): number {
    const unused = this.#book.all.some(({ lane }) => {
      const asks = lane.held !== undefined || lane.inFlight !== undefined;
      return !lane.closed && lane.granted === 0 && !asks;
    });
    if (unused) return unusedHops;
    return this.#allAsked() ? 2 : calmHops;
  }

  #check(deadlineMs: number): void {
    if (this.#arena.failure !== undefined) throw this.#arena.failure;
    if (isLate(this.#patience)) throw new Late();
    if (realNow() > deadlineMs) {
      throw new Unexplained(`nothing came to rest within ${this.#patience.stepMs} ms`);
    }
  }

  /** Every actor has ended or has something at a gate: nobody is on the way to one. */
  #allAsked(): boolean {
    return this.#actors.every((actor, index) => {
      return actor.end !== undefined || (actor.graceMs === 0 && this.#asks(index));
    });
  }

  #asks(actor: number): boolean {
    return this.#book.of(actor).some(asks);
  }

  /** A hash, a file or a name is on its way to somebody who has not been killed. */
  #poolWorks(): boolean {
    return workersWork() || this.#actors.some(actor => actor.working);
  }

  /** An actor that neither ended nor asked for anything, and has been silent only shortly. */
  #somebodyComputes(): boolean {
    return this.#actors.some((actor, index) => {
      if (actor.end !== undefined) return false;
      if (actor.awaitsElsewhere && !this.#asks(index)) return true;
      if (actor.asleep) return false;
      const silentMs = realNow() - (this.#arena.ports[index]?.movedAtMs ?? 0);
      return silentMs < (this.#asks(index) ? actor.graceMs : actor.patienceMs);
    });
  }

  /** Returns when each step in flight has answered or is known to wait. */
  async #explain(): Promise<void> {
    const deadlineMs = realNow() + this.#patience.stepMs;
    let prompt = true;
    for (;;) {
      const open = this.#book.flying().filter(one => one.wait === 'no');
      if (open.length === 0) return;
      this.#check(deadlineMs);
      // Who waited before answers only if it was freed: the servers know, and need not be waited for.
      const fresh = open.filter(one => one.blockers.length === 0);
      if (prompt && fresh.length > 0) await this.#answer(fresh, this.#patience.promptMs);
      else if (open.some(({ lane }) => lane.rides)) await this.#endRides(open);
      else {
        await this.#ask(open);
        await this.#answer(
          open.filter(one => one.wait === 'no'),
          1,
        );
      }
      prompt = false;
    }
  }

  /** Whoever is at rest and has sent no Execute wanted a statement to be parsed, and no more. */
  async #endRides(open: readonly TrackedLane[]): Promise<void> {
    await this.#quiet();
    for (const { lane } of open) lane.endRide();
  }

  /** Returns when these have answered, or after so long. */
  async #answer(open: readonly TrackedLane[], ms: number): Promise<void> {
    const untilMs = realNow() + ms;
    while (realNow() < untilMs && open.some(isFlying)) await this.#arena.activity.next(ms);
  }

  /** Asks the servers what the open steps wait for. */
  async #ask(open: readonly TrackedLane[]): Promise<void> {
    const pids = open.flatMap(({ lane }) => (lane.pid === undefined ? [] : [lane.pid]));
    const maySerialize = open.some(({ lane }) => lane.stated?.keepsSnapshot === true);
    const blockers = await this.#arena.postgres.blockers(pids, maySerialize);
    for (const one of open) {
      if (one.lane.pid !== undefined) this.#judge(one, blockers.get(one.lane.pid));
      else if (one.lane.wait !== undefined) await this.#barrier(one);
    }
  }

  #judge(one: TrackedLane, found: WaitsFor = nobody): void {
    if (one.lane.answered) return;
    const ours = this.#book.all.map(({ lane }) => lane.pid);
    const isOurs = (pid: number): boolean => pid === ofPrepared || ours.includes(pid);
    one.blockers = [...found.locks, ...found.snapshot];
    if (found.locks.includes(this.#arena.postgres.pid)) one.wait = 'phase';
    else if (found.locks.some(isOurs)) one.wait = 'lock';
    // Its blockers never wait for it: no part of a deadlock.
    else if (found.snapshot.some(isOurs)) one.wait = 'snapshot';
  }

  /** A server sends what it has for its listeners before it answers us. */
  async #messagesArrive(): Promise<void> {
    for (const { lane } of this.#book.all) await lane.messagesArrive();
    const listening = this.#book.all.some(({ lane }) => lane.subscribed && !lane.closed);
    if (listening) for (const redis of this.#arena.redis) await redis.ask('ping');
  }

  /** Redis answers in order: once it answered us, it has decided not to answer the other. */
  async #barrier(one: TrackedLane): Promise<void> {
    const isNew = one.lane.wait?.forServer === true && !one.wasLookedAfter;
    if (isNew) await this.#answer([one], serverWritesMs); // steps of others bring it no nearer
    one.wasLookedAfter ||= isNew;
    for (const redis of this.#arena.redis) await redis.ask('ping');
    await this.#arena.sentinel.hop();
    if (!one.lane.answered) one.wait = 'server';
  }
}

export function isLate({ untilMs }: Patience): boolean {
  return untilMs !== undefined && realNow() > untilMs;
}
