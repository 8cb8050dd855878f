import { isSimpler, Parts } from './parts.ts';
import type { Counterexample, Exploration, ExploreOutcome, Sampled } from './result.ts';
import type { ActorEnd } from './run/actor.ts';
import type { ExecutionRecord } from './run/stage.ts';
import { letter } from './search/choice.ts';
import { formatSchedule, isSerial } from './search/schedule.ts';
import type { SearchEnd, Visit } from './search/search.ts';

interface Verdict {
  readonly outcome: ExploreOutcome;
  readonly why: string;
}

/** Counts what the executions came to, and keeps the simplest counterexample. */
export class Tally {
  orders = 0;
  violating = 0;
  /** Going on would not change the verdict. */
  stopped = false;
  sharesState = false;
  #ends = new Map<string, number>();
  readonly #parts = new Parts();
  #counterexample: Counterexample | undefined;
  #broken: Verdict | undefined;
  readonly #drawn = new Set<string>();
  #sampled: Sampled | undefined;

  count(visit: Visit, record: ExecutionRecord, firstOnly: boolean): void {
    this.orders++;
    this.sharesState ||= record.sharesState;
    const ends = signatureOf(record);
    this.#ends.set(ends, (this.#ends.get(ends) ?? 0) + 1);
    const schedule = formatSchedule(visit.tokens);
    if (record.end.kind === 'inconclusive') {
      this.#broken ??= { outcome: 'inconclusive', why: `${schedule}: ${record.end.why}` };
    }
    const serial = visit.cost.events === 0 && isSerial(visit.tokens);
    const threw = record.ends.filter(end => end?.kind === 'threw');
    if (serial && threw.length === record.ends.length) {
      this.#setupFailed(`every actor fails, even one after the other: ${signatureOf(record)}`);
    }
    const found = violates(record) ? { schedule, cost: visit.cost, record } : undefined;
    this.#parts.count(visit, found, ends);
    if (found === undefined) return;
    this.violating++;
    this.#keep(found);
    if (serial) {
      const what = findings(record).join('; ');
      this.#setupFailed(`one actor after the other violates already (${schedule}): ${what}`);
    }
    if (firstOnly) this.stopped = true;
  }

  /** Counts a schedule that was drawn at random, apart from those of the search. */
  sample(visit: Visit, record: ExecutionRecord, seed: number): void {
    const schedule = formatSchedule(visit.tokens);
    const known = this.#sampled ?? { schedules: 0, different: 0, violating: 0, seed };
    const fresh = !this.#drawn.has(schedule);
    this.#drawn.add(schedule);
    const violating = fresh && violates(record);
    this.#sampled = {
      seed,
      schedules: known.schedules + 1,
      different: this.#drawn.size,
      violating: known.violating + (violating ? 1 : 0),
    };
    if (violating) this.#keep({ schedule, cost: visit.cost, record });
  }

  #keep(found: Counterexample): void {
    const known = this.#counterexample;
    if (known === undefined || isSimpler(found, known)) this.#counterexample = found;
  }

  #setupFailed(why: string): void {
    this.#broken = { outcome: 'setup-failed', why };
    this.stopped = true;
  }

  /** A second, complete pass counts from the start; the simplest counterexample stays. */
  startOver(): void {
    this.orders = 0;
    this.violating = 0;
    this.#parts.startOver();
    this.#ends = new Map();
  }

  result(
    base: Pick<Exploration, 'actors' | 'bound' | 'assumptions'>,
    end: SearchEnd | undefined,
    failed?: Verdict,
  ): Exploration {
    return {
      ...base,
      ...(failed ?? this.#verdict(end)),
      orders: this.orders,
      violating: this.violating,
      pruned: end?.pruned ?? 0,
      exhausted: end?.exhausted ?? false,
      cut: end?.cut ?? false,
      covered: end?.covered ?? 0,
      parts: this.#parts.all,
      ends: this.#ends,
      counterexample: this.#counterexample,
      sampled: this.#sampled,
    };
  }

  #chance(): string {
    if (this.#sampled === undefined) return '';
    const { different, violating, seed } = this.#sampled;
    return `; ${violating} of ${different} random ones beyond it violate (seed ${seed})`;
  }

  #verdict(end: SearchEnd | undefined): Verdict {
    if (this.#broken?.outcome === 'setup-failed') return this.#broken;
    const example = this.#counterexample;
    if (example !== undefined) {
      const found = findings(example.record).join('; ');
      const why = `${this.violating} of ${this.orders} orders violate${this.#chance()}`;
      return { outcome: 'unsafe', why: `${why}; ${example.schedule}: ${found}` };
    }
    if (this.#broken !== undefined) return this.#broken;
    if (end === undefined || end.stopped) {
      return {
        outcome: 'budget-stopped',
        why: `${this.orders} orders satisfy it, then the budget was used up${this.#chance()}`,
      };
    }
    const within = end.cut ? ' within this bound' : '';
    // the server decides who of several waiters goes first: said with the assumptions, counted here
    const left = end.unrepeated;
    const but = left > 0 ? `; ${left} after a choice of the server's that it did not repeat` : '';
    const why = `all ${this.orders} orders of this scenario${within} satisfy the audit${but}`;
    return { outcome: 'safe', why };
  }
}

/** What is wrong with an execution: the audit's rows, and actors that never end. */
export function findings(record: ExecutionRecord): readonly string[] {
  const stuck = record.end.kind === 'stuck' ? [`stuck: ${record.end.why}`] : [];
  return [...stuck, ...record.violations];
}

function violates(record: ExecutionRecord): boolean {
  return findings(record).length > 0;
}

/** The outcome of one order, as text: two searches agree when they meet the same set of these. */
export function signatureOf(record: ExecutionRecord): string {
  const actors = record.ends.map((end, at) => `${letter(at)} ${shown(end)}`);
  return [...actors, ...findings(record)].join(' · ');
}

function shown(end: ActorEnd | undefined): string {
  if (end === undefined) return 'has not ended';
  if (end.kind === 'returned') {
    return end.value === undefined ? 'returned' : `returned ${JSON.stringify(end.value)}`;
  }
  return end.kind === 'threw' ? `threw ${end.message}` : 'crashed';
}
