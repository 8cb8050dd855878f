import type { Counterexample } from './counterexample.ts';
import type { ActorEnd } from './run/actor.ts';
import type { Elsewhere } from './run/elsewhere.ts';
import type { Subject } from './run/stage.ts';
import type { Wait } from './run/witness.ts';
import type { EventKind } from './search/choice.ts';
import { httpAnswer, shortEnding, ToldCount } from './told.ts';

/** How one caller failed in orders without an event, though no refusal was declared. */
export interface Failing {
  /** The first such end, in short. */
  readonly example: string;
  readonly kind: 'threw' | 'never started' | '4xx' | '5xx';
  readonly orders: number;
}

/** A wait, with the first order that shows it. */
export interface SeenWait extends Wait {
  readonly order: Counterexample;
}

const differentMax = 64;

/** Collects, over all orders, what a verdict says in addition to its counts. */
export class Seen {
  readonly actors: readonly string[];
  readonly told: ToldCount;
  readonly occasions = new Set<EventKind>();
  readonly hides = new Set<string>();
  /** Keys that would have expired while an actor slept. */
  readonly outlived = new Set<string>();
  /** What callers would still have done after they returned. */
  readonly late = new Set<string>();
  /** Keys that live too long to be leases, so no event ended them. */
  readonly kept = new Set<string>();
  /** The most steps that each actor was granted in any order. */
  readonly requests: number[];
  /** Orders without an event. */
  plain = 0;
  /** In one of them a caller got something other than a refusal. */
  served = false;
  failing: (Failing | undefined)[] = [];
  readonly #refusals: readonly (string | RegExp)[];
  readonly #elsewhere = new Map<string, Elsewhere>();
  readonly #waits = new Map<string, SeenWait>();
  /** For each actor, orders without an event, one per distinct set of answers. */
  readonly #different: readonly Map<string, Counterexample>[];

  constructor({ actors, refusals }: Pick<Subject, 'actors' | 'refusals'>) {
    this.actors = Object.keys(actors);
    this.told = new ToldCount(this.actors);
    this.requests = this.actors.map(() => 0);
    this.#refusals = refusals ?? [];
    this.#different = this.actors.map(() => new Map());
  }

  /** A second pass counts from the start; what was seen stays. */
  startOver(): void {
    this.told.startOver();
    [this.plain, this.failing] = [0, []];
  }

  add(order: Counterexample): void {
    const { record, cost } = order;
    this.told.add(record.ends);
    for (const kind of record.occasions) this.occasions.add(kind);
    for (const hidden of record.hides) this.hides.add(hidden);
    for (const key of record.keptKeys) this.kept.add(key);
    for (const key of record.outlived) this.outlived.add(key);
    for (const one of record.late) this.late.add(one);
    for (const [at, count] of record.requests.entries()) {
      this.requests[at] = Math.max(this.requests[at] ?? 0, count);
    }
    for (const one of record.elsewhere) this.#elsewhere.set(`${one.actor} ${one.target}`, one);
    for (const wait of record.waits) {
      const key = `${wait.actor} ${wait.on}`;
      if (!this.#waits.has(key)) this.#waits.set(key, { ...wait, order });
    }
    if (cost.events > 0) return;
    this.plain++;
    for (const [at, end] of record.ends.entries()) this.#judge(at, end);
    this.#keep(order);
  }

  get elsewhere(): readonly Elsewhere[] {
    return [...this.#elsewhere.values()];
  }

  get waits(): readonly SeenWait[] {
    return [...this.#waits.values()];
  }

  /** Orders without an event, one per distinct set of answers to this actor, up to a limit. */
  different(actor: number): readonly Counterexample[] {
    return [...(this.#different[actor]?.values() ?? [])];
  }

  /** Every caller failed, and no refusal was declared. */
  everybodyFails(ends: readonly (ActorEnd | undefined)[]): boolean {
    return ends.every(end => end?.kind === 'threw' && !this.#isDeclared(end));
  }

  #judge(at: number, end: ActorEnd | undefined): void {
    const kind = failureOf(end);
    if (kind === undefined) this.served ||= end?.kind === 'returned';
    if (kind === undefined || this.#isDeclared(end)) return;
    const known = this.failing[at];
    const example = known?.example ?? shortEnding(end);
    this.failing[at] = { example, kind: known?.kind ?? kind, orders: (known?.orders ?? 0) + 1 };
  }

  #isDeclared(end: ActorEnd | undefined): boolean {
    const text = end?.kind === 'threw' ? end.message : (httpAnswer(end)?.text ?? '');
    return this.#refusals.some(one => {
      return typeof one === 'string' ? text.includes(one) : text.search(one) >= 0;
    });
  }

  #keep(order: Counterexample): void {
    for (const [actor, known] of this.#different.entries()) {
      if (known.size >= differentMax) continue;
      const own = order.record.lines.filter(line => line.actor === actor);
      const key = own.map(one => `${one.token} ${one.label} ${one.reply ?? one.result}`).join('\n');
      if (!known.has(key)) known.set(key, order);
    }
  }
}

function failureOf(end: ActorEnd | undefined): Failing['kind'] | undefined {
  if (end?.kind === 'threw') {
    const early =
      /^(the service ended before it listened|Error: nobody listens|nobody listens|spawn )/;
    return early.test(end.message) ? 'never started' : 'threw';
  }
  const status = httpAnswer(end)?.status ?? 0;
  if (status >= 500) return '5xx';
  return status >= 400 ? '4xx' : undefined;
}
