import { type ActorRealm, inRealm } from '../time/actor-realm.ts';
import type { Target } from '../time/reach.ts';

/** Where an actor reaches its servers: the gates, never the servers themselves. */
export interface ActorUrls {
  readonly pgUrl: string;
  /** The first of `redisUrls`; empty when the exploration has no Redis. */
  readonly redisUrl: string;
  readonly redisUrls: readonly string[];
  /** Other services that it calls over HTTP, in the order in which they were given. */
  readonly httpUrls: readonly string[];
}

/** One concurrent caller: unmodified code that is given its URLs and resolves to its answer. */
export type ActorFunction = (urls: ActorUrls) => Promise<unknown>;

export type ActorEnd =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly message: string }
  | { readonly kind: 'crashed' };

/** An actor during one execution. */
export interface RunningActor {
  readonly name: string;
  readonly end: ActorEnd | undefined;
  /** It would continue by itself if time passed. */
  readonly asleep: boolean;
  /** Something other than its own code computes for it: a pool thread, a process. */
  readonly working: boolean;
  /** Real milliseconds of silence after which it counts as waiting for something unseen. */
  readonly patienceMs: number;
  /** Real milliseconds within which a second request may follow the first. */
  readonly graceMs: number;
  /** A connection of its own is on its way to a gate that has not seen it. */
  readonly connecting: boolean;
  /** Milliseconds until its next timer; undefined where it has none, or nobody can tell. */
  readonly timerMs: number | undefined;
  /** It has returned, and left timers behind. */
  readonly leavesTimers: boolean;
  /** Its current time, in milliseconds. */
  readonly nowMs: number;
  /** It has asked something that no gate sees, which answers in real time. */
  readonly awaitsElsewhere: boolean;
  /** Where its connections have gone so far, as far as that can be seen. */
  readonly reached: readonly Target[];
  /** Notes where its connections lead now, where nobody tells when they are made. */
  look(): void;
  /** Lets time pass for it until its next timer. */
  wake(): void;
  /** Lets time pass for it until then, in which no timer of its own is due. */
  passTo(ms: number): void;
  /** It was stopped for this many milliseconds and continues. */
  pause(ms: number): void;
  /** It dies between two instructions; none of its code runs from then on. */
  kill(): void;
}

/** An async function in this process, with a clock of its own. */
export class InProcessActor implements RunningActor {
  readonly name: string;
  /** Silence without a timer: it waits for a sibling in the process, or computes for long. */
  readonly patienceMs = 20;
  /** Within one process the order of arrival tells that nothing follows. */
  readonly graceMs = 0;
  end: ActorEnd | undefined;
  readonly #realm: ActorRealm;

  constructor(
    name: string,
    act: ActorFunction,
    urls: ActorUrls,
    realm: ActorRealm,
    ended: () => void,
  ) {
    this.name = name;
    this.#realm = realm;
    const finish = (end: ActorEnd): void => {
      if (this.end !== undefined) return;
      this.end = end;
      ended();
    };
    realm.died = error => finish({ kind: 'threw', message: `uncaught: ${messageOf(error)}` });
    inRealm(realm, () => Promise.resolve().then(() => act(urls))).then(
      value => finish({ kind: 'returned', value }),
      (error: unknown) => finish({ kind: 'threw', message: messageOf(error) }),
    );
  }

  get asleep(): boolean {
    return this.end === undefined && this.#realm.asleep;
  }

  get working(): boolean {
    return this.#realm.works.going;
  }

  get connecting(): boolean {
    return this.end === undefined && this.#realm.connecting;
  }

  get timerMs(): number | undefined {
    return this.end === undefined ? this.#realm.nextTimerMs : undefined;
  }

  get leavesTimers(): boolean {
    return this.end?.kind === 'returned' && this.#realm.asleep;
  }

  get nowMs(): number {
    return this.#realm.nowMs;
  }

  get awaitsElsewhere(): boolean {
    return this.#realm.reach.awaits;
  }

  look(): void {}

  get reached(): readonly Target[] {
    return this.#realm.reach.targets;
  }

  wake(): void {
    this.#realm.fireNext();
  }

  passTo(ms: number): void {
    this.#realm.nowMs = Math.max(this.#realm.nowMs, ms);
  }

  pause(ms: number): void {
    this.#realm.jump(ms);
  }

  kill(): void {
    this.end ??= { kind: 'crashed' };
    this.#realm.kill();
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return `${code}${error.message}`;
}
