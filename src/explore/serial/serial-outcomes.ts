import { setTimeout as sleep } from 'node:timers/promises';
import type { Generated } from '../run/generated.ts';
import type { SerialRun, Shift } from '../run/in-turn.ts';
import type { KeyLeft } from '../run/redis-left.ts';
import { shortEnding } from '../told.ts';
import { likeness } from './compare.ts';
import { answerOf, effectsOf, type Fact, type Outcome } from './facts.ts';
import type { Masks } from './masks.ts';
import { permutations } from './permutations.ts';

/** What runs callers one after the other. */
export interface SerialWorld {
  readonly generated: Generated;
  /** What Redis holds at the start of every order. */
  readonly startKeys: readonly KeyLeft[];
  /** Counts how often the start was made anew: what was seen before may have other values. */
  readonly fills: number;
  /** Puts everything back, and runs these one after the other, each to its end. */
  runSerially(order: readonly number[], shift: Shift): Promise<SerialRun>;
}

/** Two runs of one serial order differ in more than values: nothing can be judged by them. */
export class NotRepeatable extends Error {
  override readonly name = 'NotRepeatable';
}

/** One serial order. */
export interface SerialOutcome {
  readonly order: readonly number[];
  readonly outcome: Outcome;
  /** What each caller was told, in short. */
  readonly told: readonly string[];
}

/** Callers beyond these have too many serial orders: 24 of four, twice each. */
const callersMax = 4;
/** Times of whole seconds are others by then. */
const laterMs = 1_100;

/** What serial orders lead to: each is run at least twice, and what differs is masked. */
export class SerialOutcomes {
  readonly masks: Masks;
  readonly #world: SerialWorld;
  readonly #names: readonly string[];
  readonly #known = new Map<string, readonly SerialOutcome[]>();
  #fills: number;
  #learntLater = false;
  #told: { readonly version: number; readonly answers: readonly ReadonlySet<string>[] } | undefined;

  constructor(world: SerialWorld, names: readonly string[], masks: Masks) {
    this.#world = world;
    this.#names = names;
    this.masks = masks;
    this.#fills = world.fills;
  }

  get startKeys(): readonly KeyLeft[] {
    return this.#world.startKeys;
  }

  /** What the serial orders of these callers lead to. Rejects with NotRepeatable. */
  async of(callers: readonly number[]): Promise<readonly SerialOutcome[]> {
    if (this.#fills !== this.#world.fills) this.#known.clear();
    this.#fills = this.#world.fills;
    const key = callers.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (callers.length > callersMax)
      throw new NotRepeatable(`${callers.length} callers have too many serial orders to run`);
    const found: SerialOutcome[] = [];
    for (const order of permutations(callers)) found.push(await this.#twice(order));
    this.#known.set(key, found);
    return found;
  }

  /**
   * Runs the serial orders that are known once more: those that followed each other within a second
   * may have told the same time. Only once, and true where something may have been learnt.
   */
  async learnLater(): Promise<boolean> {
    if (this.#learntLater) return false;
    this.#learntLater = true;
    await sleep(laterMs);
    for (const { order, outcome } of [...this.#known.values()].flat()) {
      if (order.length === 0) continue;
      const { outcome: again } = await this.#run(order, 'none');
      if (this.#fills !== this.#world.fills) return false; // the start itself may have other times
      if (this.#structure(outcome, again) === undefined) this.masks.learn(outcome, again);
    }
    return true;
  }

  /** By serial order of everybody. */
  get told(): readonly (readonly string[])[] {
    const all = this.#known.get(this.#names.map((_, at) => at).join()) ?? [];
    return all.map(({ told }) => told);
  }

  /** What each caller was told in this outcome, masked values aside. */
  toldIn({ effects, answers }: Outcome): readonly string[] {
    const all = this.masks.apart([...effects, ...answers]);
    return all.filter(({ fact }) => fact.sort === 'answer').map(({ skeleton }) => skeleton);
  }

  /** Whether some serial order of everybody tells this caller that. */
  tells(actor: number, answer: string): boolean {
    const { version } = this.masks;
    if (this.#told?.version !== version) {
      const all = this.#known.get(this.#names.map((_, at) => at).join()) ?? [];
      const told = all.map(({ outcome }) => this.toldIn(outcome));
      const answers = this.#names.map((_, at) => new Set(told.map(one => one[at] ?? '')));
      this.#told = { version, answers };
    }
    return this.#told.answers[actor]?.has(answer) ?? false;
  }

  /** The same order again, with sequences moved, so that what comes from them shows. */
  async #twice(order: readonly number[]): Promise<SerialOutcome> {
    if (order.length === 0) return { order, outcome: this.#outcome(undefined), told: [] };
    const { outcome, told } = await this.#run(order, 'none');
    let why: string | undefined;
    for (const shift of ['far', 'near', 'none'] as const) {
      const { outcome: again } = await this.#run(order, shift);
      why = this.#structure(outcome, again);
      if (why !== undefined) continue; // moved numbers may be what a constraint refuses
      this.masks.learn(outcome, again);
      const [one, other] = [outcome, again].map(all => {
        return this.masks.apart([...all.effects, ...all.answers]);
      });
      if (likeness(one ?? [], other ?? []) === 'equal') return { order, outcome, told };
      why = 'values that differ from run to run do not do so by a one-to-one renaming';
    }
    throw new NotRepeatable(`${this.#called(order)} twice: ${why ?? 'not the same'}`);
  }

  async #run(order: readonly number[], shift: Shift): Promise<Omit<SerialOutcome, 'order'>> {
    const run = await this.#world.runSerially(order, shift);
    const called = this.#called(order);
    if (run.end.kind !== 'ended')
      throw new NotRepeatable(`${called}: ${'why' in run.end ? run.end.why : run.end.kind}`);
    const [unquiet] = [...run.unquiet, ...run.left.beyond];
    if (unquiet !== undefined) throw new NotRepeatable(`${called}: ${unquiet}`);
    return { outcome: this.#outcome(run), told: run.ends.map(shortEnding) };
  }

  #outcome(run: SerialRun | undefined): Outcome {
    const answers = this.#names.map((name, actor) => answerOf(name, run?.ends[actor]));
    const effects = run === undefined ? [] : effectsOf(run.left, this.startKeys);
    return { effects, answers };
  }

  /** How two runs differ in more than values; undefined where they do not. */
  #structure(a: Outcome, b: Outcome): string | undefined {
    const [one, other] = [a, b].map(({ effects }) => counted(this.masks.compared(effects)));
    if (one !== other) return `not as many rows or keys: ${one ?? ''} and then ${other ?? ''}`;
    for (const [actor, answer] of a.answers.entries()) {
      const [first, second] = [answer, b.answers[actor]].map(one => formOf(one));
      if (first !== second)
        return `${this.#names[actor]} was told ${first ?? ''} and then ${second ?? ''}`;
    }
    return undefined;
  }

  #called(order: readonly number[]): string {
    return order.map(actor => this.#names[actor] ?? '').join(', then ');
  }
}

function counted(facts: readonly Fact[]): string {
  const counts = new Map<string, number>();
  for (const { place, gone } of facts) {
    const name = gone ? `gone from ${place}` : place;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const parts = [...counts].map(([name, count]) => `${count} in ${name}`).sort();
  return parts.length === 0 ? 'none' : parts.join(', ');
}

/** Kinds of ends, statuses and lengths of lists are never masked. */
const fixed = /^(end|status|.*\[\] count)$/;

function formOf(answer: Fact | undefined): string {
  const cells = answer?.cells.map(({ column, value }) =>
    fixed.test(column) ? `${column} ${value}` : column,
  );
  return (cells ?? []).join(', ');
}
