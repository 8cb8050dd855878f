import type { Counterexample } from './counterexample.ts';
import { findings, signatureOf } from './ending.ts';
import { isSimpler, Parts } from './parts.ts';
import type { Sampled } from './result.ts';
import { leaseAdvice } from './run/ran-out.ts';
import type { ExecutionRecord, Subject } from './run/stage.ts';
import { formatSchedule, isSerial } from './search/schedule.ts';
import type { Visit } from './search/search.ts';
import { Seen } from './seen.ts';
import type { Judgement } from './serial/finding.ts';
import { JudgedOrders } from './serial/judged-orders.ts';

/** Why the orders do not count, whatever they show. */
export interface Broken {
  readonly outcome: 'setup-failed' | 'inconclusive';
  readonly why: string;
  readonly advice: string;
}

/** Counts the outcomes of the executions, and keeps the simplest counterexample. */
export class Tally {
  readonly seen: Seen;
  orders = 0;
  violating = 0;
  /** Orders in which somebody waited for another. */
  waited = 0;
  /** Going on would not change the verdict. */
  stopped = false;
  sharesState = false;
  ends = new Map<string, number>();
  readonly parts = new Parts();
  /** By how they compare with the serial orders. */
  readonly judged = new JudgedOrders(isSimpler);
  counterexample: Counterexample | undefined;
  broken: Broken | undefined;
  readonly #drawn = new Set<string>();
  sampled: Sampled | undefined;

  constructor(subject: Pick<Subject, 'actors' | 'refusals'>) {
    this.seen = new Seen(subject);
  }

  count(visit: Visit, record: ExecutionRecord, firstOnly: boolean): void {
    this.orders++;
    if (record.waits.length > 0) this.waited++;
    this.sharesState ||= record.sharesState;
    const ends = signatureOf(record);
    this.ends.set(ends, (this.ends.get(ends) ?? 0) + 1);
    const schedule = formatSchedule(visit.tokens);
    const order = { schedule, cost: visit.cost, record };
    this.seen.add(order);
    this.judged.add(order);
    if (record.end.kind === 'inconclusive') this.#inconclusive(schedule, record);
    else if (record.judgement?.kind === 'not judged') this.#notJudged(schedule, record.judgement);
    const serial = visit.cost.events === 0 && isSerial(visit.tokens);
    if (serial && this.seen.everybodyFails(record.ends)) {
      this.#setupFailed(
        `every actor fails, even one after the other: ${ends}`,
        'run one of them by hand against a database made by `setup`: what it needs is missing there',
      );
    }
    if (record.end.kind === 'stuck' && record.elsewhere.length > 0) {
      this.#inconclusive(schedule, record); // it may wait for something that no gate sees
      return;
    }
    const found = violates(record) ? order : undefined;
    this.parts.count(visit, found, ends);
    if (found === undefined) return;
    this.violating++;
    this.#keep(found);
    if (serial) {
      const what = findings(record).join('; ');
      this.#setupFailed(
        `one actor after the other violates already (${schedule}): ${what}`,
        record.end.kind === 'stuck'
          ? 'let the callers give back what they hold when they end: no race is needed for this'
          : 'correct the audit, or the rows that `setup` leaves: no race is needed for this',
      );
    }
    // wrong effects may still be found, and are what matters
    if (firstOnly && record.judgement?.kind !== 'only answers differ') this.stopped = true;
  }

  /** Counts a schedule that was drawn at random, apart from those of the search. */
  sample(visit: Visit, record: ExecutionRecord, seed: number): void {
    const schedule = formatSchedule(visit.tokens);
    const known = this.sampled ?? { schedules: 0, different: 0, violating: 0, seed };
    const fresh = !this.#drawn.has(schedule);
    this.#drawn.add(schedule);
    const violating = fresh && violates(record);
    this.sampled = {
      seed,
      schedules: known.schedules + 1,
      different: this.#drawn.size,
      violating: known.violating + (violating ? 1 : 0),
    };
    if (violating) this.#keep({ schedule, cost: visit.cost, record });
  }

  /** An order equivalent to a counted one: not counted, but it may be a shorter counterexample. */
  shorter(visit: Visit, record: ExecutionRecord): boolean {
    if (!violates(record)) return false;
    const found = { schedule: formatSchedule(visit.tokens), cost: visit.cost, record };
    this.#keep(found);
    this.parts.shorter(visit, found);
    return true;
  }

  /** A second, complete pass counts from the start; the simplest counterexample stays. */
  startOver(): void {
    this.orders = 0;
    this.violating = 0;
    this.waited = 0;
    this.parts.startOver();
    this.judged.startOver();
    this.seen.startOver();
    this.ends = new Map();
  }

  #keep(found: Counterexample): void {
    const known = this.counterexample;
    if (known === undefined || isSimpler(found, known)) this.counterexample = found;
  }

  #inconclusive(schedule: string, { end, expired }: ExecutionRecord): void {
    const advice =
      'replay that order to see where it stops (`--replay`): a request waited for something that is neither a lock ' +
      'nor a timer, or took longer than `stepMs`; a loop that never ends needs fewer tries or more `stepsMax`';
    this.broken ??= {
      outcome: 'inconclusive',
      why: `${schedule}: ${'why' in end ? end.why : end.kind}`,
      advice: expired.length > 0 ? leaseAdvice : advice,
    };
  }

  #notJudged(schedule: string, { why }: Judgement): void {
    const advice =
      'say in `ignore` what does not matter, or judge by an `audit`: `--replay` shows that order';
    this.broken ??= { outcome: 'inconclusive', why: `${schedule} is not judged: ${why}`, advice };
  }

  #setupFailed(why: string, advice: string): void {
    this.broken = { outcome: 'setup-failed', why, advice };
    this.stopped = true;
  }
}

function violates(record: ExecutionRecord): boolean {
  return findings(record).length > 0;
}
