import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { mulberry32 } from '../mulberry32.ts';
import { Reach } from './reach.ts';
import { realNow } from './real-time.ts';
import { type TimerClock, VirtualTimer } from './virtual-timer.ts';
import { ActorWorks } from './works.ts';

/** Real time after which a connection that says nothing is nobody's next step. */
const connectingMs = 250;

/** Only a loop that waits for the clock to move reads it this often in one turn of the event loop. */
const readsMax = 10_000;
const realImmediate = setImmediate;

/** What belongs to one actor inside this process: its clock, its random numbers, its sockets. */
export class ActorRealm implements TimerClock {
  /** The actor's clock in epoch milliseconds; moves only when a timer is fired. */
  nowMs: number;
  readonly startMs: number;
  readonly reach = new Reach();
  /** With the real time at which each was opened. */
  readonly #sockets = new Map<Socket, number>();
  readonly #timers = new Set<VirtualTimer>();
  /** What computes for it besides its own code. */
  readonly works: ActorWorks;
  readonly #activity: () => void;
  /** Called with the first uncaught error of the actor's code, while it lives. */
  died: (error: unknown) => void = () => undefined;
  /** What its code gets from `Math.random`: the same numbers in every run. */
  readonly random: () => number;
  #dead = false;
  #reads = 0;

  constructor(startMs: number, seed: number, activity: () => void) {
    this.startMs = startMs;
    this.nowMs = startMs;
    this.random = mulberry32(seed);
    this.#activity = activity;
    this.works = new ActorWorks(activity);
  }

  /** What the actor's code is told when it asks for the time. */
  readClock(): number {
    if (this.#reads === 0) {
      realImmediate(() => {
        this.#reads = 0;
      });
    }
    this.#reads++;
    if (this.#reads > readsMax) this.nowMs++;
    return this.nowMs;
  }

  /** Whether some timer would fire if time passed. */
  get asleep(): boolean {
    return this.#timers.size > 0;
  }

  /** Milliseconds until its next timer; undefined when it has none. */
  get nextTimerMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : Math.max(0, next.dueMs - this.nowMs);
  }

  /** A connection of its own is being made: whom it reaches has not heard of it yet. */
  get connecting(): boolean {
    for (const [socket, openedAtMs] of this.#sockets) {
      const silent = socket.connecting || socket.bytesWritten === 0;
      if (silent && !socket.destroyed && realNow() - openedAtMs < connectingMs) return true;
    }
    return false;
  }

  /** A socket of its own is about to connect; false for a dead actor's, which is nobody's request. */
  connects(socket: Socket): boolean {
    if (this.#dead) {
      vanish(socket);
      return false;
    }
    this.#sockets.set(socket, realNow());
    socket.once('close', () => this.#sockets.delete(socket));
    return true;
  }

  add(callback: () => void, delayMs: number, everyMs: number | undefined): VirtualTimer {
    const delay = Number.isFinite(delayMs) ? Math.max(1, delayMs) : 1;
    const timer = new VirtualTimer(this, callback, this.nowMs + delay, delay, everyMs);
    if (!this.#dead) this.schedule(timer);
    return timer;
  }

  schedule(timer: VirtualTimer): void {
    this.#timers.add(timer);
    this.#activity();
  }

  cancel(timer: VirtualTimer): void {
    this.#timers.delete(timer);
    this.#activity();
  }

  /** Moves the clock to the earliest timer and fires it: the first set fires first. */
  fireNext(): void {
    const next = this.#next();
    if (next === undefined) return;
    this.nowMs = Math.max(this.nowMs, next.dueMs);
    this.#fire(next);
  }

  #next(): VirtualTimer | undefined {
    let next: VirtualTimer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.dueMs < next.dueMs) next = timer;
    }
    return next;
  }

  /** The actor was stopped for this many milliseconds: overdue timers fire once. */
  jump(ms: number): void {
    this.nowMs += ms;
    const overdue = [...this.#timers].filter(timer => timer.dueMs <= this.nowMs);
    for (const timer of overdue.sort((a, b) => a.dueMs - b.dueMs)) this.#fire(timer);
  }

  /** The actor is dead: its timers never fire, and its sockets vanish silently. */
  kill(): void {
    this.#dead = true;
    this.#timers.clear();
    this.works.forget();
    for (const socket of this.#sockets.keys()) vanish(socket);
    this.#sockets.clear();
  }

  /** Its process would end here. */
  uncaught(error: unknown): void {
    if (this.#dead) return;
    this.kill();
    this.died(error);
  }

  #fire(timer: VirtualTimer): void {
    if (!this.#timers.delete(timer)) return;
    if (timer.everyMs !== undefined) {
      timer.dueMs = this.nowMs + Math.max(1, timer.everyMs);
      this.#timers.add(timer);
    }
    this.#activity();
    try {
      timer.callback();
    } catch (error) {
      this.uncaught(error);
    }
  }
}

function vanish(socket: Socket): void {
  socket.removeAllListeners();
  socket.on('error', () => undefined);
  socket.destroy();
}

const realms = new AsyncLocalStorage<ActorRealm>();

/** The actor whose code is running, or undefined for everybody else in this process. */
export function currentRealm(): ActorRealm | undefined {
  return realms.getStore();
}

export function inRealm<T>(realm: ActorRealm, act: () => T): T {
  return realms.run(realm, act);
}
