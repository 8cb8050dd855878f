import { type Choice, type EventKind, isEvent } from '../search/choice.ts';
import { type Footprint, joined } from '../search/footprint.ts';
import { beginsAlone } from '../search/schedule.ts';
import type { Scheduler } from '../search/scheduler.ts';
import type { ActorEnd, RunningActor } from './actor.ts';
import type { Arena } from './arena.ts';
import { cancel, cancelArrives } from './cancel.ts';
import { endConnections } from './end-connections.ts';
import { type EventContext, offeredEvents, performEvent } from './events.ts';
import { Leases } from './leases.ts';
import { fireLeftTimers } from './left-timers.ts';
import { Observer, unknown, type Watched } from './observe.ts';
import type { Option } from './option.ts';
import { checkTokens, deadlocked, options, whoWaits } from './options.ts';
import { keysWithin } from './redis-leases.ts';
import type { RowLease } from './row-leases.ts';
import { endWait } from './server-wait.ts';
import { isLate, Late, Settler, Unexplained } from './settle.ts';
import type { Surroundings } from './surroundings.ts';
import type { ExecutionEnd, ExecutionSettings, TraceLine } from './trace.ts';
import { heldStep, LaneBook, raced, type TrackedLane } from './tracked-lane.ts';
import { passesMs, timePasses } from './wakes.ts';
import { Witness } from './witness.ts';

/** One run of all actors under one schedule. */
export class Execution {
  readonly lines: TraceLine[] = [];
  /** Events that were possible at some point. */
  readonly occasions = new Set<EventKind>();
  readonly leases: Leases;
  readonly #arena: Arena;
  readonly #actors: readonly RunningActor[];
  readonly #settings: ExecutionSettings;
  readonly #book = new LaneBook();
  readonly witness = new Witness(this.#book, () => this.#actors);
  readonly #settler: Settler;
  readonly #open = new Map<TrackedLane, TraceLine[]>();
  readonly #observer: Observer | undefined;
  /** An actor waited for another inside this process: they share state that no gate sees. */
  sharesState = false;
  #touched: Footprint | undefined;
  /** The last step freed somebody while others waited for a lock, too. */
  #raced = false;
  #scheduler: Scheduler | undefined;
  #previous: number | undefined;
  #events = 0;

  constructor(
    arena: Arena,
    start: (ended: () => void) => readonly RunningActor[],
    settings: ExecutionSettings,
    /** What the reduction has to know; undefined where nothing is reduced. */
    surroundings?: Surroundings,
    rowLeases: readonly RowLease[] = [],
  ) {
    this.leases = new Leases(arena, rowLeases, settings.leaseMaxMs);
    this.#arena = arena;
    this.#settings = settings;
    arena.failure = undefined;
    for (const port of arena.ports) for (const gate of port.gates) gate.admits = true;
    const names = new Map<string, number>();
    arena.opened = lane => this.#book.add(lane, names.get(lane.actor) ?? 0);
    this.#actors = start(() => arena.activity.moved());
    for (const [index, actor] of this.#actors.entries()) names.set(actor.name, index);
    if (surroundings !== undefined) this.#observer = new Observer(surroundings, this.#book);
    this.#settler = new Settler(arena, this.#book, this.#actors, settings.patience, (one, result) =>
      this.#answered(one, result),
    );
  }

  get ends(): readonly (ActorEnd | undefined)[] {
    return this.#actors.map(actor => actor.end);
  }

  /**
   * Runs to the end of all actors; every wait inside is bounded. The first step waits for `restored`:
   * until then actors start and connect, which touches no rows.
   */
  async run(scheduler: Scheduler, restored: Promise<unknown>): Promise<ExecutionEnd> {
    this.#scheduler = scheduler;
    const behind = () => fireLeftTimers(this.#actors, this.#book, this.#settler, this.witness.late);
    try {
      await Promise.all([this.#settler.settle(false), restored]);
      for (let taken = 0; taken < this.#settings.stepsMax; taken++) {
        if (isLate(this.#settings.patience)) return { kind: 'late' };
        const possible = await this.#possible();
        if (possible.every(option => isEvent(option.choice))) {
          if (this.#actors.every(actor => actor.end !== undefined)) return await behind();
          return { kind: 'stuck', why: whoWaits(this.#actors, this.#book) };
        }
        checkTokens(possible);
        const choices = possible.map(one => one.choice);
        const [previous, touched, raced] = [this.#previous, this.#touched, this.#raced];
        const choice = scheduler.next({ choices, previous, touched, raced });
        if (choice === undefined) return { kind: 'abandoned' };
        const option = possible.find(one => one.choice.token === choice.token);
        if (option === undefined) return { kind: 'inconclusive', why: `no choice ${choice.token}` };
        this.#raced = false;
        await this.#perform(option);
      }
      return { kind: 'inconclusive', why: `more than ${this.#settings.stepsMax} steps` };
    } catch (error) {
      if (error instanceof Late) return { kind: 'late' };
      if (error instanceof Unexplained) return { kind: 'inconclusive', why: error.message };
      throw error;
    }
  }

  get #needsTouched(): boolean {
    return this.#scheduler?.needsTouched?.() ?? false;
  }

  /** Looks up what the step touched only where the scheduler needs it. */
  async #observe(observer: Observer, watched: Watched, choice: Choice): Promise<void> {
    this.#touched = undefined;
    if (this.#needsTouched) {
      const plain = choice.kind === 'step' || choice.kind === 'effect' || choice.kind === 'wake';
      // Where a deadlock has come about, nobody may go on before it is resolved.
      const certain = plain && deadlocked(this.#book).length === 0;
      this.#touched = certain ? await observer.touched(watched) : unknown(choice.actor ?? -1);
    }
    observer.note(watched);
  }

  /**
   * Ends every actor and connection; resolves when none of them holds anything at the servers. Rejects
   * where a backend cannot be ended: the next order could not begin from the same state.
   */
  async dispose(): Promise<void> {
    for (const actor of this.#actors) actor.kill();
    await endConnections(this.#arena, this.#book);
    this.#arena.opened = lane => lane.destroy();
  }

  async #possible(): Promise<Option[]> {
    const possible = options(this.#actors, this.#book, this.#settings);
    this.sharesState ||= this.#actors.some((actor, index) => {
      const asks = this.#book
        .of(index)
        .some(({ lane }) => lane.held !== undefined || lane.inFlight !== undefined);
      return actor.end === undefined && !actor.asleep && !asks;
    });
    const { events, eventsMax } = this.#settings;
    const deadlock = possible.some(option => option.choice.kind === 'victim');
    if (this.#events >= eventsMax || deadlock) return possible;
    const offered = await offeredEvents(events, this.#context(), possible);
    for (const { choice } of offered) if (isEvent(choice)) this.occasions.add(choice.kind);
    return [...possible, ...offered];
  }

  #context(): EventContext {
    const { leasesTogether } = this.#settings;
    const { leases } = this;
    return { arena: this.#arena, actors: this.#actors, book: this.#book, leases, leasesTogether };
  }

  async #perform(option: Option): Promise<void> {
    const { choice, lanes } = option;
    const queue = this.#book.queue();
    const [first] = lanes;
    const step = first?.lane.held ?? first?.lane.inFlight;
    const watched = await this.#observer?.watch(
      choice.actor ?? -1,
      lanes,
      step,
      this.#needsTouched,
    );
    this.witness.begins();
    let released = true;
    if (choice.kind === 'step') released = await this.#grant(choice, lanes);
    else if (choice.kind === 'wake') {
      released = first !== undefined;
      await this.#wake(option);
    } else if (choice.kind === 'effect' && first !== undefined) await this.#effect(choice, first);
    else if (choice.kind === 'victim' && first !== undefined) await this.#victim(choice, first);
    else {
      this.#events++;
      const line = this.#line(choice, 'event', choice.kind);
      if (choice.kind === 'lost-reply') {
        for (const one of lanes) one.losesReply = true;
        await this.#grant(choice, lanes, line);
      } else {
        line.result = await performEvent(choice, lanes, this.#context());
      }
    }
    await this.#settler.settle(released);
    this.#raced ||= raced(queue);
    this.witness.rests(choice);
    if (this.#observer !== undefined && watched !== undefined) {
      await this.#observe(this.#observer, watched, choice);
    }
    // A crash or a pause is done to an actor, not by it: whoever ran before may continue.
    if (!isEvent(choice) || choice.kind === 'lost-reply') this.#previous = choice.actor;
    if (this.#settings.fuseBegin && first !== undefined) await this.#fuse(choice, first);
  }

  /** Whether the step may free somebody: BEGIN never does. */
  async #grant(choice: Choice, lanes: readonly TrackedLane[], line?: TraceLine): Promise<boolean> {
    let released = false;
    for (const one of lanes) {
      const step = heldStep(one);
      const mayFree = one.lane.frees === 'anybody' || this.#book.othersListen(one);
      if (step.role !== 'begin' && mayFree) released = true;
      const entry = line ?? this.#line(choice, step.store, step.label);
      if (line !== undefined) line.result = `reply lost: ${step.label}`;
      this.#open.set(one, [...(this.#open.get(one) ?? []), entry]);
      await this.#closePhaseGate(one);
      this.witness.grants(one);
      one.lane.grant();
      const limitMs = one.lane.wait?.limitMs;
      if (limitMs !== undefined) one.dueMs = (this.#actors[one.actor]?.nowMs ?? 0) + limitMs;
      if (one.lane.cancelsOther) await cancelArrives(this.#arena, this.#book);
    }
    return released;
  }

  /** Time passes for one actor: until its next timer, or until its wait at Redis is over. */
  async #wake(option: Option): Promise<void> {
    const actor = this.#actors[option.choice.actor ?? 0];
    const [waits] = option.lanes;
    const label = waits?.lane.inFlight?.label;
    const what = waits === undefined ? 'its next timer fires' : `the time is over for ${label}`;
    this.#line(option.choice, 'clock', what);
    if (!this.#settings.events.has('lease-expires')) {
      const ms = passesMs(option, this.#actors);
      for (const key of await keysWithin(this.#arena, ms)) this.witness.outlived.add(key);
    }
    timePasses(option, this.#actors, this.#book);
    if (waits?.dueMs === undefined) return actor?.wake();
    actor?.passTo(waits.dueMs);
    await endWait(this.#arena, waits);
  }

  async #closePhaseGate(one: TrackedLane): Promise<void> {
    if (!this.#settings.phases || one.lane.pid === undefined) return;
    await this.#arena.postgres.closePhaseGate(one.lane.pid);
  }

  async #effect(choice: Choice, one: TrackedLane): Promise<void> {
    const line = this.#line(choice, 'postgres', `effect of ${one.lane.inFlight?.label ?? ''}`);
    for (const [at, first] of this.lines.entries()) {
      if (!this.#open.get(one)?.includes(first)) continue;
      first.result = 'snapshot taken';
      first.answeredAfter = at + 1;
    }
    this.#open.set(one, [line]);
    one.wait = 'no';
    one.blockers = [];
    if (one.lane.pid !== undefined) await this.#arena.postgres.openPhaseGate(one.lane.pid);
  }

  async #victim(choice: Choice, one: TrackedLane): Promise<void> {
    this.#line(choice, 'postgres', 'deadlock detected: this session is the victim');
    await cancel(this.#arena, one.lane, 'deadlock');
  }

  /** BEGIN reads nothing: the statement after it follows at once. */
  async #fuse(choice: Choice, one: TrackedLane): Promise<void> {
    const line = this.lines.at(-1);
    if (choice.kind !== 'step' || !choice.shape.match(/^(begin|start transaction)\b/i)) return;
    if (beginsAlone(choice.token)) return;
    const next = one.lane.held;
    if (next === undefined || next.role === 'begin' || line?.token !== choice.token) return;
    const begun = this.#touched;
    await this.#perform({ choice: { ...choice, shape: next.shape }, lanes: [one] });
    if (begun !== undefined && this.#touched !== undefined) {
      this.#touched = joined([begun, this.#touched]);
    }
  }

  #line(choice: Choice, store: string, label: string): TraceLine {
    const { token, actor } = choice;
    const line: TraceLine = { token, actor, store, label, result: '', answeredAfter: 0 };
    this.lines.push(line);
    return line;
  }

  #answered(one: TrackedLane, result: string): void {
    for (const line of this.#open.get(one) ?? []) {
      line.result = line.result === '' ? result : `${line.result} → ${result}`;
      line.answeredAfter = this.lines.length;
      if (one.lane.reply !== undefined) line.reply = one.lane.reply;
    }
    this.#open.delete(one);
  }
}
