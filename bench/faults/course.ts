/** The course of one command that is struck: held at its message, rivalled, asked again, judged. */
import { randomBytes } from 'node:crypto';
import { type Call, type Query, redisNeedsOf } from '../../src/contract/index.ts';
import { randomOf } from '../lab/random.ts';
import { waitMs } from '../lab/wait.ts';
import type { Answered, Callers, Sending, UnderWay } from './callers.ts';
import type { StruckCell } from './cell.ts';
import { callersOf, type GroupPlan, loadOf, type Member, type StruckAt } from './group-plan.ts';
import { judged, stripOf, wasAnsweredBefore } from './judge.ts';
import { placeOf, type WirePoint } from './phases.ts';
import type { Rig } from './rig.ts';
import type { FaultCell, Marks } from './schema.ts';
import { verified } from './verify.ts';
import type { Strike } from './wire/strike.ts';

const callersOnKey = 32;
const companions = 3; // who wait for the same key, and leave too
const arriveMs = 100;
const comesBackMs = 10_000;
const lookMs = 10;

export const struckService = 0;
export const otherService = 1;

export class Course {
  readonly member: Member;
  /** Why it was not held where it should be; undefined while it is. */
  because: string | undefined;
  readonly #rig: Rig;
  readonly #plan: GroupPlan;
  readonly #callers: Callers;
  readonly #key: string;
  readonly #first: Call;
  readonly #calls: Call[];
  readonly #signal: AbortSignal;
  readonly #point: WirePoint;
  readonly #leaving = new AbortController();
  readonly #idempotencyKey = `lockstep-faults-${randomBytes(9).toString('hex')}`;
  #strike: Strike | undefined;
  #holder: Strike | undefined;
  #victim: UnderWay | undefined;
  #heldMs = 0;

  private constructor(
    rig: Rig,
    plan: GroupPlan,
    member: Member,
    on: { readonly key: string; readonly calls: readonly Call[]; readonly point: WirePoint },
    signal: AbortSignal,
  ) {
    const [first, ...others] = on.calls;
    if (!first) throw new Error('the load made no key');
    this.member = member;
    this.#rig = rig;
    this.#plan = plan;
    this.#callers = callersOf(rig, plan, member, signal);
    this.#key = on.key;
    this.#first = first;
    this.#calls = others;
    this.#signal = signal;
    this.#point = on.point;
  }

  /** Makes a key for it, and load on others. Owned by the caller, ended by `close`. */
  static async open(
    rig: Rig,
    plan: GroupPlan,
    member: Member,
    signal: AbortSignal,
  ): Promise<Course> {
    const { phase, strategy } = member;
    const place = placeOf(strategy.declared, phase, plan.fault.manner === 'asks again');
    if ('notOffered' in place) throw new Error(`${phase}: ${place.notOffered}`);
    const load = loadOf(plan);
    const random = randomOf(plan.seed, `${plan.fault.name} ${phase} ${strategy.name}`);
    const query: Query = rig.seeds.query;
    const made = { rounds: 1, rivals: callersOnKey, doubleTapShare: 0, random };
    const [round] = await load(made, query);
    if (!round) throw new Error('the load made no key');
    const on = { key: round.key, calls: round.calls, point: place.point };
    const course = new Course(rig, plan, member, on, signal);
    await course.#callers.startBystanders(load, query, random, plan.members.length);
    return course;
  }

  /** There after `watch`. */
  get strike(): Strike {
    if (!this.#strike) throw new Error('nobody watches for the command');
    return this.#strike;
  }

  /** From now on the next command on the key is held. Behind somebody who has the lock, if it is to wait. */
  async watch(withinMs: number): Promise<void> {
    if (this.#point.hold === 'unanswered') await this.#placeHolder(withinMs);
    this.#strike = this.#rig.strike(this.#key, this.#point);
  }

  async #placeHolder(withinMs: number): Promise<void> {
    const place = placeOf(this.member.strategy.declared, 'holding');
    if ('notOffered' in place) {
      this.because = place.notOffered;
      return;
    }
    const strike = this.#rig.strike(this.#key, place.point);
    this.#holder = strike;
    const call = this.#calls.shift();
    if (call) this.#callers.send(this.#key, call, otherService, 'holder');
    if (await strike.reached(withinMs)) return;
    this.because = `within ${withinMs} ms nobody held the lock that the command should wait for`;
  }

  /** Sends the command, and waits until it is held. */
  async hold(withinMs: number): Promise<void> {
    if (this.because !== undefined) return;
    const { fault } = this.#plan;
    this.#victim = this.#sendStruck(this.#first);
    if (!(await this.strike.reached(withinMs))) {
      this.because = `within ${withinMs} ms the wire did not show the command in this phase`;
      return;
    }
    this.#heldMs = this.#callers.nowMs();
    if (fault.manner !== 'leaves' || !this.#holder) return;
    for (const call of this.#calls.splice(0, companions)) this.#sendStruck(call);
    await waitMs(arriveMs, this.#signal);
  }

  #sendStruck(call: Call): UnderWay {
    const { manner } = this.#plan.fault;
    const { undefended } = this.member;
    const sending: Sending =
      manner === 'leaves'
        ? { leave: this.#leaving.signal, told: !undefended }
        : manner === 'asks again' && !undefended
          ? { idempotencyKey: this.#idempotencyKey }
          : {};
    return this.#callers.send(this.#key, call, struckService, 'struck', sending);
  }

  leave(): void {
    this.#leaving.abort();
  }

  /** Holds nothing any more: it was not held where it should be. */
  lift(): void {
    this.liftHolder();
    if (this.#strike) this.#rig.lift(this.#strike);
  }

  /** Whom it waited for is done: the turn is handed to one that is struck. */
  liftHolder(): void {
    if (this.#holder) this.#rig.lift(this.#holder);
  }

  /** Two more callers for the key, at the process that was not struck; each until it has an answer. */
  rivals(untilMs: number): Promise<void>[] {
    return this.#calls.splice(0, 2).map(call => this.#rival(call, untilMs));
  }

  /** Asks again as long as it is told that nothing happened. */
  async #rival(call: Call, untilMs: number): Promise<void> {
    for (;;) {
      const answer = await this.#callers.send(this.#key, call, otherService, 'rival').answer;
      if (!isNothing(answer) || performance.now() > untilMs) return;
      await waitMs(lookMs, this.#signal);
    }
  }

  /** After the healing: waits for its answer, asks again where it was not told, and for the key. */
  async finish(): Promise<void> {
    const answer = await this.#victim?.answer;
    await this.#probe();
    if (answer?.outcome === 'unknown' && this.#plan.fault.manner === 'asks again')
      await this.#again();
  }

  /** Until it has decided, within bounds. Whoever takes silence for a yes does not ask. */
  async #again(): Promise<void> {
    const { fault, times } = this.#plan;
    const { undefended } = this.member;
    if (undefended && fault.harm === 'lost acknowledgement') return;
    const lastMs = performance.now() + Math.max(times.leaseMs, comesBackMs);
    const role = undefended ? 'repeat' : 'again';
    const sending = undefended ? {} : { idempotencyKey: this.#idempotencyKey };
    for (;;) {
      const sent = this.#callers.send(this.#key, this.#first, otherService, role, sending);
      const { outcome } = await sent.answer;
      if (outcome === 'accepted' || outcome === 'refused' || performance.now() > lastMs) return;
      await waitMs(lookMs, this.#signal);
    }
  }

  /**
   * Asks for the key at both processes until each has decided; the key is taken to be stuck when it was
   * busy until every lease had passed for long. What is unavailable has more time to come back.
   */
  async #probe(): Promise<void> {
    const startMs = performance.now();
    for (const service of [otherService, struckService]) {
      const call = this.#calls.shift();
      if (!call) return;
      for (;;) {
        const sent = this.#callers.send(this.#key, call, service, 'probe');
        const answer = await sent.answer;
        if (!isNothing(answer)) break;
        const patienceMs = answer.outcome === 'busy' ? this.#plan.times.leaseMs : comesBackMs;
        if (performance.now() - startMs > patienceMs) return;
        await waitMs(lookMs, this.#signal);
      }
    }
  }

  /** Ends its load. */
  settle(): Promise<void> {
    return this.#callers.settle();
  }

  /** What came of it; `at` is undefined where it was not struck. */
  async outcome(at: StruckAt | undefined, ready: FaultCell['ready']): Promise<StruckCell> {
    const { history } = this.#callers;
    const wire = this.strike.lines.map(line => ({ ...line, atMs: this.#callers.at(line.atMs) }));
    const because = this.because ?? this.#notStruck(at);
    if (because !== undefined || !at) {
      const nothing = { marks: null, judged: null, audit: null, strip: null, ready: null };
      return { state: 'phase not reached', because: because ?? '', ...nothing, wire, history };
    }
    const marks: Marks = {
      heldMs: this.#heldMs,
      injectedMs: this.#callers.at(at.injectedMs),
      healedMs: this.#callers.at(at.healedMs),
      endedMs: this.#callers.at(at.endedMs),
    };
    const { scenario, fault } = this.#plan;
    const told = { history, refusalsFromMs: fault.forgets ? marks.healedMs : 0 };
    const { audit, effects } = await verified(this.#rig, scenario, told, this.#signal);
    const believes = this.member.undefended && fault.harm === 'lost acknowledgement';
    const struck = { key: this.#key, service: struckService, believes };
    const found = judged(history, effects, struck, marks);
    const strip = stripOf(history, marks);
    return {
      state: 'struck',
      because: '',
      marks,
      judged: found,
      audit,
      strip,
      ready,
      wire,
      history,
    };
  }

  /** Why the fault did not strike a command that was held. */
  #notStruck(at: StruckAt | undefined): string | undefined {
    if (!at) return 'nobody was held, so the fault did not strike';
    // who gives up a release has its answer, and its lock is there all the same
    if (this.member.phase === 'releasing') return undefined;
    return wasAnsweredBefore(this.#callers.history, this.#callers.at(at.injectedMs))
      ? 'the command had its answer before the fault struck'
      : undefined;
  }

  close(): void {
    this.lift();
    this.#callers.close();
  }

  /** Where its locks are. */
  get needs() {
    return redisNeedsOf(this.member.strategy.declared);
  }
}

/** Its caller was told that nothing happened, and may ask again. */
const isNothing = ({ outcome, notSent }: Answered): boolean =>
  outcome === 'busy' || outcome === 'failed' || notSent === true;
