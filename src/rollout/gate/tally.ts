import { createHash } from 'node:crypto';
import type { Arm, ArmCounts, Counted, EndedCommand, TryEnd } from './arms.ts';
import { stepCount, stepOf } from './durations.ts';

/** What one process has counted of an arm since it was last asked. */
export interface ArmTally extends Omit<ArmCounts, 'clean'> {
  readonly rollout: string;
  /** A contested key that has been audited, as a hash; whether it counts is for the database to say. */
  readonly candidate: string | null;
}

export interface TallyOptions {
  /** The name of the strategy in which the new lock is tried under the old one. */
  readonly shadowOf: (from: string, to: string) => string;
  readonly now?: () => number;
  readonly random?: () => number;
}

interface Drawn {
  /** Commands of the key in this second. */
  of: number;
  kind: EndedCommand['kind'];
  step: number;
}

interface Seen {
  endMs: number;
  acceptedEndMs: number;
}

/** Of one arm of one rollout. */
interface Open {
  commands: number;
  contested: number;
  audited: number;
  candidate: string | null;
  candidates: number;
  readonly drawn: Map<string, Drawn>;
  readonly contestedNow: Set<string>;
  readonly tries: Map<TryEnd, number>;
}

const keysMax = 20_000;
/** No command takes longer: WAIT_MS is a minute at most. */
const overlapMaxMs = 60_000;

/**
 * What this process sees of the arms of the rollouts that run. Commands of one burst on one key tell one
 * thing, not many: of the commands of a key that end within one second, one is drawn at random and counts
 * in the comparison.
 */
export class Tally {
  readonly #options: TallyOptions;
  #rollouts: readonly Counted[] = [];
  readonly #open = new Map<string, Open>();
  /** When commands of a key ended, per arm and key. */
  readonly #seen = new Map<string, Seen>();
  /** Contested keys that wait for their audit, with when that was. */
  readonly #unaudited = new Map<string, { readonly open: string; readonly atMs: number }>();

  constructor(options: TallyOptions) {
    this.#options = options;
  }

  /** Counts for these rollouts from now on, and for no others. */
  watch(rollouts: readonly Counted[]): void {
    this.#rollouts = rollouts;
    if (rollouts.length > 0) return;
    for (const known of [this.#open, this.#seen, this.#unaudited]) known.clear();
  }

  ended(command: EndedCommand): void {
    const arm = this.#armOf(command);
    if (!arm || command.key === '') return;
    const { kind, seconds, key } = command;
    arm.open.commands += 1;
    this.#draw(arm.open, key, kind, stepOf(seconds));
    if (kind === 'accepted' || kind === 'refused' || kind === 'unknown')
      this.#overlap(arm.name, arm.open, command);
  }

  /** What became of a lock that was only tried. */
  tried(cell: Pick<EndedCommand, 'scenario' | 'variant' | 'strategy'>, end: TryEnd): void {
    const tries = this.#armOf(cell)?.open.tries;
    tries?.set(end, (tries.get(end) ?? 0) + 1);
  }

  /** An audit that began at `startedMs` has looked at these keys. */
  audited(scenario: string, keys: Iterable<string>, startedMs: number): void {
    if (this.#unaudited.size === 0) return;
    for (const key of keys) {
      const name = `${scenario}/${key}`;
      const waiting = this.#unaudited.get(name);
      if (!waiting || waiting.atMs >= startedMs) continue;
      this.#unaudited.delete(name);
      const open = this.#openOf(waiting.open);
      open.audited += 1;
      open.candidates += 1;
      if (this.#random() * open.candidates < 1) open.candidate = hashOf(name);
    }
  }

  /** What was counted since the last time. Call it every second: that is how long a burst is. */
  take(): readonly ArmTally[] {
    const told = [...this.#open].flatMap(([name, open]) => {
      const [rollout = '', arm] = name.split('/');
      const quiet = open.commands === 0 && open.audited === 0 && open.tries.size === 0;
      return quiet || !isArm(arm) ? [] : [{ rollout, arm, ...tallyOf(open) }];
    });
    this.#open.clear();
    const oldMs = this.#now() - overlapMaxMs;
    for (const [name, { endMs }] of this.#seen) if (endMs < oldMs) this.#seen.delete(name);
    return told;
  }

  #armOf({ scenario, variant, strategy }: Pick<EndedCommand, 'scenario' | 'variant' | 'strategy'>) {
    for (const { id, from, to, ...place } of this.#rollouts) {
      if (place.scenario !== scenario || place.variant !== variant) continue;
      const shadow = this.#options.shadowOf(from, to);
      const arm =
        strategy === to ? 'new' : strategy === from ? 'old' : strategy === shadow && 'shadow';
      if (arm === false) return undefined;
      const name = `${id}/${arm}`;
      return { name, open: this.#openOf(name) };
    }
    return undefined;
  }

  #openOf(name: string): Open {
    const open = this.#open.get(name) ?? opened();
    this.#open.set(name, open);
    return open;
  }

  /** One of the commands of the key, each with the same probability. */
  #draw({ drawn }: Open, key: string, kind: Drawn['kind'], step: number): void {
    const known = drawn.get(key);
    if (!known) {
      if (drawn.size < keysMax) drawn.set(key, { of: 1, kind, step });
      return;
    }
    known.of += 1;
    if (this.#random() * known.of >= 1) return;
    known.kind = kind;
    known.step = step;
  }

  /** Commands end in order: one overlapped the last that ended if it had arrived before that. */
  #overlap(arm: string, open: Open, { scenario, key, seconds, kind }: EndedCommand): void {
    const endMs = this.#now();
    const fromMs = endMs - seconds * 1_000;
    const ofArm = `${arm}/${key}`;
    const seen = this.#seen.get(ofArm);
    const overlaps =
      seen !== undefined &&
      (fromMs < seen.acceptedEndMs || (kind === 'accepted' && fromMs < seen.endMs));
    const accepted =
      kind === 'accepted' ? endMs : (seen?.acceptedEndMs ?? Number.NEGATIVE_INFINITY);
    if (seen || this.#seen.size < keysMax)
      this.#seen.set(ofArm, { endMs, acceptedEndMs: accepted });
    if (!overlaps) return;
    if (!open.contestedNow.has(key) && open.contestedNow.size < keysMax) {
      open.contestedNow.add(key);
      open.contested += 1;
    }
    const name = `${scenario}/${key}`; // moved to the end: the first is the oldest
    this.#unaudited.delete(name);
    this.#unaudited.set(name, { open: arm, atMs: endMs });
    if (this.#unaudited.size <= keysMax) return;
    for (const oldest of this.#unaudited.keys()) {
      this.#unaudited.delete(oldest);
      return;
    }
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }

  #random(): number {
    return (this.#options.random ?? Math.random)();
  }
}

function opened(): Open {
  return {
    ...{ commands: 0, contested: 0, audited: 0, candidate: null, candidates: 0 },
    ...{ drawn: new Map(), contestedNow: new Set(), tries: new Map() },
  };
}

function tallyOf({ commands, contested, audited, candidate, drawn, tries }: Open) {
  const durations = Array.from({ length: stepCount }, () => 0);
  const ends = { accepted: 0, refused: 0, busy: 0, failed: 0, unknown: 0 };
  for (const { kind, step } of drawn.values()) {
    ends[kind] += 1;
    if (kind === 'accepted' || kind === 'refused') durations[step] = (durations[step] ?? 0) + 1;
  }
  const { busy, failed, unknown } = ends;
  return {
    ...{ commands, contested, audited, candidate, busy, failed, unknown, durations },
    drawn: drawn.size,
    tries: Object.fromEntries(tries),
  };
}

function isArm(name: string | undefined): name is Arm {
  return name === 'old' || name === 'new' || name === 'shadow';
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}
