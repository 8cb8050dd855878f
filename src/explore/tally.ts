import type { Counterexample, Exploration, ExploreOutcome } from './result.ts';
import type { ActorEnd } from './run/actor.ts';
import type { ExecutionRecord } from './run/stage.ts';
import { letter } from './search/choice.ts';
import { compareCost } from './search/cost.ts';
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
  #counterexample: Counterexample | undefined;
  #broken: Verdict | undefined;

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
    if (!violates(record)) return;
    this.violating++;
    const known = this.#counterexample;
    if (known === undefined || compare(visit, record, known) < 0) {
      this.#counterexample = { schedule, cost: visit.cost, record };
    }
    if (serial) {
      const found = findings(record).join('; ');
      this.#setupFailed(`one actor after the other violates already (${schedule}): ${found}`);
    }
    if (firstOnly) this.stopped = true;
  }

  #setupFailed(why: string): void {
    this.#broken = { outcome: 'setup-failed', why };
    this.stopped = true;
  }

  /** A second, complete pass counts from the start; the simplest counterexample stays. */
  startOver(): void {
    this.orders = 0;
    this.violating = 0;
    this.#ends = new Map();
  }

  result(
    base: Pick<Exploration, 'bound' | 'assumptions'>,
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
      ends: this.#ends,
      counterexample: this.#counterexample,
    };
  }

  #verdict(end: SearchEnd | undefined): Verdict {
    if (this.#broken?.outcome === 'setup-failed') return this.#broken;
    const example = this.#counterexample;
    if (example !== undefined) {
      const found = findings(example.record).join('; ');
      return {
        outcome: 'unsafe',
        why: `${this.violating} of ${this.orders} orders violate; ${example.schedule}: ${found}`,
      };
    }
    if (this.#broken !== undefined) return this.#broken;
    if (end === undefined || end.stopped) {
      return {
        outcome: 'budget-stopped',
        why: `${this.orders} orders satisfy it, then time was up`,
      };
    }
    const within = end.cut ? ' within this bound' : '';
    const why = `all ${this.orders} orders of this scenario${within} satisfy the audit`;
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

function compare(visit: Visit, record: ExecutionRecord, known: Counterexample): number {
  const steps = record.lines.length - known.record.lines.length;
  return compareCost(visit.cost, known.cost) || steps;
}
