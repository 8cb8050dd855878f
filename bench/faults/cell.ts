/** Strikes one command of one strategy in one phase, while load goes on elsewhere, and judges it. */
import { type Call, type Query, redisNeedsOf } from '../../src/contract/index.ts';
import type { RegisteredScenario, RegisteredStrategy } from '../../src/engine/registry.ts';
import { randomOf } from '../lab/random.ts';
import { waitMs } from '../lab/wait.ts';
import { type Answered, Callers } from './callers.ts';
import type { NamedFault, Times } from './fault.ts';
import type { Operation } from './history.ts';
import { judged, stripOf } from './judge.ts';
import { type Phase, placeOf, type WirePoint } from './phases.ts';
import type { Rig } from './rig.ts';
import type { FaultCell, Marks } from './schema.ts';
import type { Stage } from './stage.ts';
import { verified } from './verify.ts';
import type { Strike } from './wire/strike.ts';

export interface CellPlan {
  readonly fault: NamedFault;
  readonly phase: Phase;
  readonly strategy: RegisteredStrategy;
  readonly scenario: RegisteredScenario;
  readonly variant: string;
  readonly seed: number;
  readonly times: Times;
}

/** What striking adds to the plan of a cell. */
export type StruckPart = Pick<
  FaultCell,
  'state' | 'because' | 'marks' | 'judged' | 'audit' | 'strip' | 'wire'
>;

export interface StruckCell extends StruckPart {
  readonly history: readonly Operation[];
}

const calmMs = 400; // what other keys saw before
const reachMaxMs = 3_000;
const injectMaxMs = 20_000;
const answerGraceMs = 5_000;
const afterMs = 300; // what other keys saw afterwards
const struckCallers = 32;
const lookMs = 10;

const struckService = 0;
const otherService = 1;

export async function strikeCell(
  rig: Rig,
  plan: CellPlan,
  signal: AbortSignal,
): Promise<StruckCell> {
  const place = placeOf(plan.strategy.declared, plan.phase);
  if ('notOffered' in place) throw new Error(`${plan.phase}: ${place.notOffered}`);
  const callers = callersOf(rig, plan, signal);
  const load = loadOf(plan);
  const random = randomOf(plan.seed, `${plan.fault.name} ${plan.phase} ${plan.strategy.name}`);
  try {
    const query: Query = rig.seeds.query;
    const loadPlan = { rounds: 1, rivals: struckCallers, doubleTapShare: 0, random };
    const [round] = await load(loadPlan, query);
    const [first, ...others] = round?.calls ?? [];
    if (!round || !first) throw new Error('the load made no key');
    await callers.startBystanders(load, query, random);
    await waitMs(calmMs, signal);
    const cell = new Cell(rig, plan, callers, { key: round.key, first, others }, signal);
    const marks = await cell.strike(place.point);
    await callers.settle();
    const { history } = callers;
    if (typeof marks === 'string') return { ...notReached(marks), wire: cell.wire(), history };
    const { audit, effects } = await verified(rig, plan.scenario, history, signal);
    const struck = { key: round.key, service: struckService };
    return {
      state: 'struck',
      because: '',
      marks,
      judged: judged(history, effects, struck, marks),
      audit,
      strip: stripOf(history, marks),
      wire: cell.wire(),
      history,
    };
  } finally {
    callers.close();
  }
}

function notReached(because: string): Omit<StruckPart, 'wire'> {
  const nothing = { marks: null, judged: null, audit: null, strip: null };
  return { state: 'phase not reached', because, ...nothing };
}

interface StruckKey {
  readonly key: string;
  readonly first: Call;
  readonly others: readonly Call[];
}

/** The course of one cell. */
class Cell {
  readonly #rig: Rig;
  readonly #plan: CellPlan;
  readonly #callers: Callers;
  readonly #on: StruckKey;
  readonly #calls: Call[];
  readonly #signal: AbortSignal;
  #strike: Strike | undefined;

  constructor(rig: Rig, plan: CellPlan, callers: Callers, on: StruckKey, signal: AbortSignal) {
    this.#rig = rig;
    this.#plan = plan;
    this.#callers = callers;
    this.#on = on;
    this.#calls = [...on.others];
    this.#signal = signal;
  }

  /** The times of the strike, or why the command was not held where it should be. */
  async strike(point: WirePoint): Promise<Marks | string> {
    const waits = point.hold === 'unanswered';
    const holder = waits ? await this.#holder() : undefined;
    if (typeof holder === 'string') return holder;
    const { key, first } = this.#on;
    const strike = this.#rig.strike(key, point);
    this.#strike = strike;
    try {
      await this.#plan.fault.prepare?.(this.#stage(strike));
      const victim = this.#callers.send(key, first, struckService, 'struck');
      if (!(await strike.reached(reachMaxMs)))
        return `within ${reachMaxMs} ms the wire did not show the command in this phase`;
      const heldMs = this.#callers.nowMs();
      const injectedMs = this.#callers.nowMs();
      const healedMs = await this.#faulty(strike, holder);
      await victim.answer;
      await this.#probe();
      await waitMs(afterMs, this.#signal);
      return { heldMs, injectedMs, healedMs, endedMs: this.#callers.nowMs() };
    } finally {
      if (holder) this.#rig.lift(holder);
      this.#rig.lift(strike);
    }
  }

  wire(): FaultCell['wire'] {
    const lines = this.#strike?.lines ?? [];
    return lines.map(line => ({ ...line, atMs: this.#callers.at(line.atMs) }));
  }

  /** Somebody who holds the lock, so that the struck command waits for it. */
  async #holder(): Promise<Strike | string> {
    const place = placeOf(this.#plan.strategy.declared, 'holding');
    if ('notOffered' in place) return place.notOffered;
    const strike = this.#rig.strike(this.#on.key, place.point);
    const call = this.#calls.shift();
    if (call) this.#callers.send(this.#on.key, call, otherService, 'holder');
    if (await strike.reached(reachMaxMs)) return strike;
    this.#rig.lift(strike);
    return `within ${reachMaxMs} ms nobody held the lock that the command should wait for`;
  }

  #stage(strike: Strike): Stage {
    const worker = this.#rig.workers[struckService];
    if (!worker) throw new Error('the service has no process to strike');
    return this.#rig.stage(worker, redisNeedsOf(this.#plan.strategy.declared), strike);
  }

  /** Injects, sends rivals to the other process, waits, heals; tells when it was healed. */
  async #faulty(strike: Strike, holder: Strike | undefined): Promise<number> {
    const { fault, times } = this.#plan;
    const stage = this.#stage(strike);
    const beganMs = performance.now();
    let healed = false;
    try {
      await within(injectMaxMs, fault.inject(stage), `${fault.name} took too long`);
      // whom it waited for is done now: the turn is handed to one that is struck
      if (holder) this.#rig.lift(holder);
      const rivals = this.#rivals(beganMs + fault.lastsMs(times) + times.leaseMs);
      await this.#answered(
        rivals,
        beganMs + (fault.leastMs?.(times) ?? 0),
        beganMs + fault.lastsMs(times),
      );
      healed = true;
      await this.#heal(stage, strike);
      const healedMs = this.#callers.nowMs();
      await Promise.all(rivals);
      return healedMs;
    } catch (error) {
      if (!healed) await this.#heal(stage, strike).catch(() => {}); // the first error counts
      throw error;
    }
  }

  async #heal(stage: Stage, strike: Strike): Promise<void> {
    await within(2 * injectMaxMs, this.#plan.fault.heal(stage), 'healing took too long');
    this.#rig.lift(strike);
  }

  /** Two more callers for the key, at the process that was not struck. */
  #rivals(untilMs: number): Promise<void>[] {
    return this.#calls.splice(0, 2).map(call => this.#rival(call, untilMs));
  }

  /** Asks again as long as it is told that nothing happened. */
  async #rival(call: Call, untilMs: number): Promise<void> {
    for (;;) {
      const answer = await this.#callers.send(this.#on.key, call, otherService, 'rival').answer;
      if (!isNothing(answer) || performance.now() > untilMs) return;
      await waitMs(lookMs, this.#signal);
    }
  }

  /** Until all have their answer, not before the one time and not after the other. */
  async #answered(all: readonly Promise<void>[], fromMs: number, untilMs: number): Promise<void> {
    let open = all.length;
    for (const one of all)
      one.then(
        () => {
          open -= 1;
        },
        () => {},
      );
    while (performance.now() < untilMs && (open > 0 || performance.now() < fromMs))
      await waitMs(lookMs, this.#signal);
  }

  /** Asks for the key at both processes until each has decided, or every lease has passed for long. */
  async #probe(): Promise<void> {
    const lastMs = performance.now() + this.#plan.times.leaseMs;
    const { key } = this.#on;
    for (const service of [otherService, struckService]) {
      const call = this.#calls.shift();
      if (!call) return;
      for (;;) {
        if (!isNothing(await this.#callers.send(key, call, service, 'probe').answer)) break;
        if (performance.now() > lastMs) return;
        await waitMs(lookMs, this.#signal);
      }
    }
  }
}

/** Its caller was told that nothing happened, and may ask again. */
const isNothing = ({ outcome, notSent }: Answered): boolean =>
  outcome === 'busy' || outcome === 'failed' || notSent === true;

async function within<T>(limitMs: number, work: Promise<T>, why: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(why)), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function callersOf(rig: Rig, plan: CellPlan, signal: AbortSignal): Callers {
  const { scenario, strategy, variant, times } = plan;
  return new Callers({
    scenario: scenario.name,
    processes: rig.processUrls.length,
    to: {
      processUrls: rig.processUrls,
      strategy: strategy.name,
      variant,
      timeoutMs: times.waitMs + answerGraceMs,
      signal,
    },
  });
}

function loadOf({ scenario, variant }: CellPlan) {
  return scenario.registered.variants[variant]?.load ?? scenario.registered.load;
}
