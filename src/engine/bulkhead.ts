import { type Attempt, Failure, type Strategy } from '../contract/index.ts';
import { type Admission, AdmissionQueue } from '../store/queue.ts';

/** How much of a process the commands of one key may take. */
export interface BulkheadLimits {
  /** Connections of the process: for work, and for session locks. */
  readonly connections: { readonly work: number; readonly locks: number };
  /** Commands that may wait for one key before they ask for their turn. */
  readonly waitersPerKey: number;
  /** Commands of the process that wait or work. */
  readonly commandsMax: number;
}

type Asking = Pick<Attempt, 'deadlineMs' | 'left'>;

/** A command's place: inside, it may ask for its turn and hold connections. */
export interface Place {
  /** How long those ahead of a command that came now would take. */
  readonly aheadMs: number;
  leave(): void;
}

/** Not let in. `aheadMs`: how long those ahead of it would take. */
export class NotLetIn extends Failure {
  readonly aheadMs: number;

  constructor(code: 'too-many-waiters' | 'turn-refused' | 'caller-left', aheadMs: number) {
    super(code);
    this.aheadMs = aheadMs;
  }
}

/**
 * Lets a few commands of each key at a time ask for their turn; the others of that key wait in line
 * here, where they hold no connection and ask no store. So a hot key leaves the others their half of
 * the connections, and several hot keys share the other half but for two of each. It is no lock: more
 * than one is let in, and every process has its own.
 */
export class Bulkhead {
  readonly #limits: BulkheadLimits;
  readonly #now: () => number;
  readonly #gates = new Map<string, Gate>();
  /** What all keys together may have beyond two each, by how many a key may have. */
  readonly #extras = new Map<number, AdmissionQueue>();
  #commands = 0;

  constructor(limits: BulkheadLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Commands that wait to be let in. */
  get waiting(): number {
    let waiting = 0;
    for (const { line } of this.#gates.values()) waiting += line.waiting;
    for (const extras of this.#extras.values()) waiting += extras.waiting;
    return waiting;
  }

  /** Through the gates of all keys, in their (sorted) order. Throws `NotLetIn`. */
  async enter(strategy: Strategy, keys: readonly string[], asking: Asking): Promise<Place> {
    const slots = slotsFor(strategy, this.#limits);
    const gates = keys.map(key => this.#gate(`${slots} ${key}`, slots));
    const aheadMs = (): number => Math.max(0, ...gates.map(gate => gate.aheadMs(this.#now())));
    const extras = this.#extrasFor(slots);
    const entered: Gate[] = [];
    const taken: AdmissionQueue[] = [];
    const leave = (): void => {
      for (const gate of entered) gate.leave(this.#now());
      for (const queue of taken) queue.leave();
      for (const gate of gates) this.#unused(gate);
      this.#commands -= 1;
    };
    this.#commands += 1;
    try {
      if (this.#commands > this.#limits.commandsMax)
        throw new NotLetIn('too-many-waiters', aheadMs());
      const leftMs = (): number => asking.deadlineMs - this.#now();
      for (const gate of gates) {
        const admission = await gate.line.enter(gate.patienceMs(leftMs()), asking.left);
        if (admission !== 'granted') throw new NotLetIn(refusals[admission], aheadMs());
        entered.push(gate);
        if (taken.includes(extras) && gate.ofRight.free === 0) continue;
        const place = await firstOf([gate.ofRight, extras], leftMs(), asking.left);
        if (typeof place === 'string') throw new NotLetIn(refusals[place], aheadMs());
        taken.push(place);
      }
    } catch (error) {
      leave();
      throw error;
    }
    return {
      leave,
      get aheadMs() {
        return aheadMs();
      },
    };
  }

  #extrasFor(slots: number): AdmissionQueue {
    const extras = this.#extras.get(slots) ?? new AdmissionQueue(Math.max(0, slots - eachKey));
    this.#extras.set(slots, extras);
    return extras;
  }

  #gate(name: string, slots: number): Gate {
    const gate =
      this.#gates.get(name) ?? new Gate(name, slots, this.#limits.waitersPerKey, this.#now());
    this.#gates.set(name, gate);
    gate.users += 1;
    return gate;
  }

  #unused(gate: Gate): void {
    gate.users -= 1;
    if (gate.users === 0) this.#gates.delete(gate.name);
  }
}

/** So many of a key are let in whoever else is inside. */
const eachKey = 2;

const refusals = {
  'too late': 'turn-refused',
  'too many': 'too-many-waiters',
  left: 'caller-left',
} as const;

/** The queue that grants first, or why none did; in the other one nothing is left. */
async function firstOf(
  queues: readonly AdmissionQueue[],
  limitMs: number,
  left: AbortSignal | undefined,
): Promise<AdmissionQueue | Exclude<Admission, 'granted'>> {
  const free = queues.find(queue => queue.free > 0);
  if (free) {
    const admission = await free.enter(limitMs, left);
    return admission === 'granted' ? free : admission;
  }
  const done = new AbortController();
  const signal = left ? AbortSignal.any([left, done.signal]) : done.signal;
  let taken: AdmissionQueue | undefined;
  const ends = await Promise.all(
    queues.map(async queue => {
      const admission = await queue.enter(limitMs, signal);
      if (admission !== 'granted') return admission;
      if (taken) queue.leave(); // both at once
      taken ??= queue;
      done.abort();
      return 'left';
    }),
  );
  return taken ?? ends[0] ?? 'left';
}

/**
 * Half of the smallest pool that its commands need, and more than one where there is more than one
 * connection: a gate for one would be a lock, and hide what a strategy lets through.
 */
function slotsFor({ turns }: Strategy, { connections }: BulkheadLimits): number {
  const session = turns.some(turn => turn.heldBy === 'session');
  const pool = session ? Math.min(connections.work, connections.locks) : connections.work;
  return Math.min(pool, Math.max(eachKey, Math.floor(pool / 2)));
}

/** What a refusal takes of the process (measured: 0.2 to 0.5 ms). */
const refusalMs = 0.5;
const refusalShareMax = 0.1; // nobody's patience is shorter by more

const newShare = 0.2; // of the newest interval in the mean

/** The line of one key, for as long as somebody is there. */
class Gate {
  readonly name: string;
  users = 0;
  readonly line: AdmissionQueue;
  /** Places that it shares with no other key. */
  readonly ofRight = new AdmissionQueue(eachKey);
  readonly #slots: number;
  #lastMs: number;
  #everyMs: number | undefined;

  constructor(name: string, slots: number, waitersMax: number, nowMs: number) {
    this.name = name;
    this.#slots = slots;
    this.line = new AdmissionQueue(slots, waitersMax);
    this.#lastMs = nowMs;
  }

  /**
   * How long to stand in line, of what is left until the deadline. A crowd that came at once is told one
   * after another, those at the end first: answers that are due in the same moment make each other late.
   */
  patienceMs(leftMs: number): number {
    return leftMs - Math.min(this.line.waiting * refusalMs, leftMs * refusalShareMax);
  }

  leave(nowMs: number): void {
    const everyMs = nowMs - this.#lastMs;
    this.#everyMs = this.#everyMs === undefined ? everyMs : mean(this.#everyMs, everyMs);
    this.#lastMs = nowMs;
    this.line.leave();
  }

  /**
   * As many as are here, one after another at the pace of those before; where nobody has come out for
   * longer than that, at least for so long again.
   */
  aheadMs(nowMs: number): number {
    const ahead = this.line.waiting + this.#slots - this.line.free;
    return Math.max(ahead * (this.#everyMs ?? 0), nowMs - this.#lastMs);
  }
}

function mean(soFar: number, newest: number): number {
  return soFar + (newest - soFar) * newShare;
}
