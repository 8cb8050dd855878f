import type { Choice } from '../search/choice.ts';
import type { Target } from '../time/reach.ts';
import type { RunningActor } from './actor.ts';
import type { Elsewhere } from './elsewhere.ts';
import type { LaneBook, TrackedLane } from './tracked-lane.ts';

/** One caller could not continue until another did something, or got a message from it. */
export interface Wait {
  readonly actor: number;
  readonly on: number;
  /** The request that waited, or the message that came. */
  readonly label: string;
}

/** One Redis command as it was sent, word by word, and the server that it went to. */
export interface Sent {
  readonly actor: number;
  readonly store: string;
  /** The logical database in which it ran. */
  readonly database: string;
  readonly words: readonly string[];
}

const keptMax = 1_000;

/** What a verdict needs to know about one order besides its end: who waited, what was hidden, … */
export class Witness {
  readonly waits: Wait[] = [];
  readonly sent: Sent[] = [];
  /** What one message held that could not be split: `label: why`, each once. */
  readonly hides = new Set<string>();
  /** What timers ask for that callers left behind when they returned. */
  readonly late = new Set<string>();
  /** Keys that had less time left than an actor let pass. */
  readonly outlived = new Set<string>();
  readonly #book: LaneBook;
  readonly #actors: () => readonly RunningActor[];
  /** Who waited at Redis before the choice that is being made, and what each had asked. */
  #atRedis = new Map<TrackedLane, string>();
  #messages = new Set<TrackedLane>();

  constructor(book: LaneBook, actors: () => readonly RunningActor[]) {
    this.#book = book;
    this.#actors = actors;
  }

  /** Where each actor's connections went. */
  get reached(): readonly (readonly Target[])[] {
    return this.#actors().map(actor => actor.reached);
  }

  /** Databases beside their own that actors have used. */
  get otherDatabases(): readonly Elsewhere[] {
    return this.#book.all.flatMap(({ lane, actor }) => {
      const { otherDatabase: database, granted } = lane;
      if (database === undefined || granted === 0) return [];
      return [{ actor, target: `the database ${database}`, database }];
    });
  }

  /** Steps that each actor was granted. */
  get requests(): readonly number[] {
    const granted: number[] = this.#actors().map(() => 0);
    for (const { lane, actor } of this.#book.all) {
      granted[actor] = (granted[actor] ?? 0) + lane.granted;
    }
    return granted;
  }

  /** Told before a choice is carried out. */
  begins(): void {
    for (const actor of this.#actors()) actor.look();
    const atRedis = this.#book.flying().filter(one => one.wait === 'server');
    this.#atRedis = new Map(atRedis.map(one => [one, one.lane.inFlight?.label ?? '']));
    this.#messages = new Set(this.#book.all.filter(hasMessage));
  }

  /** Told just before a step is granted. */
  grants({ lane, actor }: TrackedLane): void {
    const step = lane.held;
    if (step?.hides !== undefined) this.hides.add(`${step.label}: ${step.hides}`);
    if (this.sent.length >= keptMax) return;
    const { store, database } = lane;
    for (const words of step?.commands ?? []) this.sent.push({ actor, store, database, words });
  }

  /** Told when the world is at rest again. */
  rests(choice: Choice): void {
    for (const one of this.#book.flying()) {
      if (one.wait !== 'lock') continue;
      const label = one.lane.inFlight?.label ?? '';
      for (const pid of one.blockers) this.#met(one, this.#ownerOf(pid), label);
    }
    if (choice.kind !== 'step' && choice.kind !== 'effect') return;
    for (const [one, label] of this.#atRedis) {
      if (one.lane.inFlight === undefined && !one.lane.closed) this.#met(one, choice.actor, label);
    }
    for (const one of this.#book.all) {
      if (!hasMessage(one) || this.#messages.has(one)) continue;
      this.#met(one, choice.actor, one.lane.held?.label ?? '');
    }
  }

  #met({ actor }: TrackedLane, on: number | undefined, label: string): void {
    if (on === undefined || on === actor || this.waits.length >= keptMax) return;
    const known = this.waits.some(
      wait => wait.actor === actor && wait.on === on && wait.label === label,
    );
    if (!known) this.waits.push({ actor, on, label });
  }

  /** A warm backend serves one client after the other: who has it now. */
  #ownerOf(pid: number): number | undefined {
    const served = this.#book.all.filter(({ lane }) => lane.pid === pid);
    return (served.find(({ lane }) => !lane.closed) ?? served.at(-1))?.actor;
  }
}

function hasMessage({ lane }: TrackedLane): boolean {
  return !lane.closed && lane.held?.role === 'message';
}
