import type { Lane, Step } from '../gate/lane.ts';

/** A lane with what the scheduler knows about it. */
export interface TrackedLane {
  readonly lane: Lane;
  readonly actor: number;
  /** Order of acceptance; breaks ties only. */
  readonly serial: number;
  /** Rank among its actor's lanes, given when it first holds a step: stable between runs. */
  rank: number | undefined;
  /** The same among its actor's lanes only, from 1: it names the lane in tokens. */
  number: number | undefined;
  /** Why the step in flight does not answer. */
  wait: 'no' | 'lock' | 'phase' | 'snapshot' | 'server';
  /** Backends that the step in flight waits for. */
  blockers: readonly number[];
  /** When the wait in flight ends by itself, in its actor's time. */
  dueMs: number | undefined;
  /** Its actor's time has passed during this request, and may do so again. */
  overtaken: boolean;
  /** What the server itself does in the background has had its time during this request. */
  wasLookedAfter: boolean;
  /** The reply of the step in flight must not arrive. */
  losesReply: boolean;
}

/** The lanes of one execution, in an order that does not depend on which byte came first. */
export class LaneBook {
  readonly #lanes: TrackedLane[] = [];
  #ranked = 0;
  readonly #numbered = new Map<number, number>();

  add(lane: Lane, actor: number): void {
    this.#lanes.push({
      lane,
      actor,
      serial: this.#lanes.length,
      rank: undefined,
      number: undefined,
      wait: 'no',
      blockers: [],
      dueMs: undefined,
      overtaken: false,
      wasLookedAfter: false,
      losesReply: false,
    });
  }

  get all(): readonly TrackedLane[] {
    return this.#lanes;
  }

  /** Lanes with a step to grant, ranked: of one actor, the one that spoke first comes first. */
  holding(): TrackedLane[] {
    const holding = this.#lanes.filter(one => one.lane.held !== undefined);
    const fresh = holding.filter(one => one.rank === undefined);
    const shape = (one: TrackedLane): string => one.lane.held?.shape ?? '';
    fresh.sort((a, b) => a.actor - b.actor || order(shape(a), shape(b)) || a.serial - b.serial);
    for (const one of fresh) {
      one.rank = this.#ranked++;
      one.number = (this.#numbered.get(one.actor) ?? 0) + 1;
      this.#numbered.set(one.actor, one.number);
    }
    return holding.sort(byRank);
  }

  /** Lanes whose granted step has not answered. */
  flying(): TrackedLane[] {
    return this.#lanes.filter(isFlying);
  }

  answered(): TrackedLane[] {
    return this.#lanes
      .filter(({ lane }) => lane.inFlight !== undefined && lane.answered)
      .sort(byRank);
  }

  /** Lanes that wait for a lock, each with its blockers. */
  queue(): ReadonlyMap<TrackedLane, string> {
    const waiting = this.flying().filter(one => one.wait === 'lock');
    return new Map(waiting.map(one => [one, waitOf(one)]));
  }

  /** Another lane may be told of what a step does, by a message or the end of a wait. */
  othersListen(self: TrackedLane): boolean {
    return this.#lanes.some(({ lane }) => lane !== self.lane && !lane.closed && lane.listens);
  }

  /** The server is at work on something that is no step: it will come to an end by itself. */
  busy(): boolean {
    return this.#lanes.some(({ lane }) => !lane.closed && lane.busy);
  }

  of(actor: number): TrackedLane[] {
    return this.#lanes.filter(one => one.actor === actor && !one.lane.closed);
  }
}

/** A request is held, or at the server and not answered. */
export function isPending({ lane }: TrackedLane): boolean {
  return lane.held !== undefined || (lane.inFlight !== undefined && !lane.answered);
}

/** Its granted step has not answered. */
export function isFlying({ lane }: TrackedLane): boolean {
  return lane.inFlight !== undefined && !lane.answered;
}

/** Its client waits for an answer: it is not on the way to a gate. */
export function asks({ lane }: TrackedLane): boolean {
  return lane.held !== undefined || (lane.inFlight !== undefined && !lane.rides);
}

/** Some of several waiters have moved on: the server chose who went first. */
export function raced(before: ReadonlyMap<TrackedLane, string>): boolean {
  return before.size > 1 && [...before].some(([one, was]) => waitOf(one) !== was);
}

function waitOf(one: TrackedLane): string {
  return isFlying(one) && one.wait === 'lock' ? one.blockers.join() : '';
}

export function heldStep(one: TrackedLane): Step {
  const step = one.lane.held;
  if (step === undefined) throw new Error('the lane holds no step');
  return step;
}

function byRank(a: TrackedLane, b: TrackedLane): number {
  return a.actor - b.actor || (a.rank ?? 0) - (b.rank ?? 0);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
