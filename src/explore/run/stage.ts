import { Nondeterministic } from '../search/point.ts';
import type { Scheduler } from '../search/scheduler.ts';
import { installRealms } from '../time/install.ts';
import type { ActorEnd } from './actor.ts';
import { Alone } from './alone.ts';
import { type Arena, realNow } from './arena.ts';
import { Callers } from './callers.ts';
import { readCatalogue } from './catalogue.ts';
import { readsClockInside, stampsRows } from './clock-inside.ts';
import { allowedHosts, Outside } from './elsewhere.ts';
import { Execution } from './execution.ts';
import { InTurn } from './in-turn.ts';
import { judged, tryAudit } from './judges.ts';
import type { Leftovers } from './leftovers.ts';
import { WorldChanged } from './not-put-back.ts';
import { probed } from './probe.ts';
import { RanOut, ranOutIn } from './ran-out.ts';
import type { ExecutionRecord } from './record.ts';
import { heldRows } from './row-leases.ts';
import type { ServerUrls } from './servers.ts';
import type { Patience } from './settle.ts';
import type { Subject } from './subject.ts';
import { type Surroundings, surroundingsOf } from './surroundings.ts';
import { type ExecutionSettings, statementsOf } from './trace.ts';
import { asPart } from './unjudged.ts';
import { checkedCold, noted } from './warm-check.ts';
import { warmedUp } from './warm-up.ts';
import { closed, untilAborted } from './within.ts';
import { World } from './world.ts';

export type { ExecutionRecord } from './record.ts';
export type { ServerUrls, WorldServers } from './servers.ts';
export type { Actor, Subject } from './subject.ts';

/** The time limit of a setup where the exploration has none. */
const setupMs = 3_600_000;

/** How one execution is run. */
export interface Course {
  /**
   * An execution that has not ended by then, in the time of `performance.now`, is given up as `late`.
   * Default: never.
   */
  readonly untilMs?: number | undefined;
  /** BEGIN may also be taken as a step of its own. Default: as the settings say. */
  readonly beginsApart?: boolean | undefined;
}

/** Everything open for one exploration; runs one schedule after the other. */
export class Stage {
  /** What a verdict also rests on, in sentences. */
  readonly limits: readonly string[];
  /** Some order has read the time of a transaction, which its BEGIN has fixed. */
  readsClockInside = false;
  /** Rows that are written may hold it. */
  readonly #stamps: boolean;
  readonly #world: World;
  readonly #arena: Arena;
  readonly #subject: Subject;
  readonly #settings: ExecutionSettings;
  readonly #surroundings: Surroundings | undefined;
  readonly #uninstall: () => void;
  readonly #outside: Outside;
  readonly #callers: Callers;
  /** Runs single actors. */
  readonly alone: Alone;
  /** Runs them one after the other. */
  readonly inTurn: InTurn;
  readonly #ranOut: RanOut;
  readonly #everExpired = new Set<string>();
  /** Since the last order that heard of keys which end. */
  #keysMayHaveEnded = true;
  /** How often the setup had run when the surroundings were read. */
  #fills = 1;

  private constructor(
    world: World,
    subject: Subject,
    settings: ExecutionSettings,
    surroundings: Surroundings | undefined,
    outside: Outside,
    uninstall: () => void,
    ranOut: RanOut,
    stamps: boolean,
  ) {
    this.#ranOut = ranOut;
    this.#stamps = stamps;
    this.#world = world;
    this.limits = world.limits;
    this.#arena = world.arena;
    this.#callers = new Callers(world.arena, subject);
    this.#subject = subject;
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#uninstall = uninstall;
    this.#outside = outside;
    const means = {
      arena: world.arena,
      settings,
      start: (ended: () => void) => this.#callers.start(ended),
      restore: () => this.#restore(),
      look: () => world.leftovers.look(),
      sent: ({ lines }: Execution) => world.lookAhead(statementsOf(lines)),
    };
    this.alone = new Alone(means);
    this.inTurn = new InTurn(means);
    settings.signal?.addEventListener('abort', this.#giveUp, { once: true });
  }

  /** Every wait of the running order ends with this. */
  readonly #giveUp = (): void => {
    this.#arena.failure = new Error('interrupted');
    this.#arena.activity.moved();
  };

  /**
   * Makes the database, runs the setup, opens gates. Whatever was opened is closed on failure. Rejects
   * where the setup is not done by `untilMs`, in the time of `performance.now`.
   */
  static async open(
    subject: Subject,
    servers: ServerUrls,
    settings: ExecutionSettings,
    untilMs = Number.POSITIVE_INFINITY,
  ): Promise<Stage> {
    const world = await World.open(subject, servers, settings);
    try {
      const leftMs = Math.min(setupMs, Math.max(1, untilMs - realNow()));
      await untilAborted(world.fill(leftMs), settings.signal);
      await tryAudit(subject, world.arena.postgres);
      await heldRows(world.arena.postgres, subject.leases ?? []);
      const surroundings = settings.footprints
        ? await surroundingsOf(world.arena.postgres)
        : undefined;
      const ranOut = await RanOut.open(servers.redisUrls ?? []);
      const outside = new Outside(world.arena.gatePorts, await allowedHosts(settings.allowHosts));
      const stamps = await stampsRows(world.arena.postgres);
      const undo = installRealms();
      return new Stage(world, subject, settings, surroundings, outside, undo, ranOut, stamps);
    } catch (error) {
      await closed(world.close(), settings.signal); // the first failure is the one to tell
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#settings.signal?.removeEventListener('abort', this.#giveUp);
    this.#callers.warm.stop();
    this.#uninstall();
    await this.#ranOut.close();
    await this.#world.close();
  }

  /** What orders begin with, and what the last one left. */
  get leftovers(): Leftovers {
    return this.#world.leftovers;
  }

  /** Counts how often the start was made anew. */
  get fills(): number {
    return this.#world.fills;
  }

  /**
   * Some actor has read the server's time, which the tables did not show: then it may matter whose
   * transaction began first. Known once an order with such a statement has run.
   */
  get clockWasRead(): boolean {
    const about = this.#surroundings;
    return about?.clockWasRead === true && !about.catalogue.stampsRows;
  }

  /** Runs all actors once, from the baseline, in the order that the scheduler chooses. */
  async execute(scheduler: Scheduler, course: Course = {}): Promise<ExecutionRecord> {
    const tokens: string[] = [];
    const record = await this.#once(noted(scheduler, tokens), course);
    if (record.end.kind !== 'ended' || !this.#callers.warm.isCheckDue()) return record;
    this.#callers.warm.stop();
    await checkedCold(record, tokens, again => this.#once(again, course));
    return record;
  }

  async #once(scheduler: Scheduler, course: Course): Promise<ExecutionRecord> {
    try {
      return await this.#execute(scheduler, course);
    } catch (error) {
      if (!(error instanceof WorldChanged)) throw error;
      return this.#execute(scheduler, course); // no step was taken
    }
  }

  async #execute(scheduler: Scheduler, course: Course): Promise<ExecutionRecord> {
    const { untilMs, beginsApart = this.#settings.beginsApart ?? false } = course;
    await this.#renew(untilMs);
    if (this.#surroundings !== undefined && this.#world.fills !== this.#fills) {
      this.#fills = this.#world.fills;
      this.#surroundings.catalogue = await readCatalogue(this.#arena.postgres);
    }
    const heard = this.#keysMayHaveEnded ? this.#ranOut.begin() : undefined;
    this.#keysMayHaveEnded = false;
    const restored = Promise.all([this.#world.restoreRows(), heard]);
    restored.catch(() => undefined); // told by `run`
    const start = (ended: () => void) => this.#callers.start(ended);
    const patience = { ...this.#settings.patience, untilMs };
    const settings = { ...this.#settings, patience, beginsApart };
    const { leases } = this.#subject;
    const execution = new Execution(this.#arena, start, settings, this.#surroundings, leases);
    try {
      if (this.#settings.signal?.aborted) this.#giveUp();
      const ran = await execution.run(scheduler, restored);
      const asked = this.#keysEnd ? this.#expired(execution) : [];
      const { ends, lines, sharesState, occasions, witness, unquiet } = execution;
      const [expired] = await Promise.all([asked, execution.dispose()]);
      const end = expired.length === 0 || ran.kind === 'late' ? ran : ranOutIn(expired);
      const elsewhere = [...this.#outside.of(witness.reached), ...witness.otherDatabases];
      const judged = end === ran && end.kind !== 'abandoned' && end.kind !== 'late';
      const left = judged ? await this.leftovers.look() : undefined; // before a probe or a check acts
      const violations = judged ? await this.#judge(ends, patience) : [];
      const hides = [...witness.hides];
      const outlived = [...witness.outlived];
      const late = [...witness.late];
      const keptKeys = [...execution.leases.kept].sort();
      const { requests, waits } = witness;
      const kept = { hides, occasions, keptKeys, expired, outlived, late };
      const seen = { ...kept, requests, elsewhere, waits, unquiet, ...(left && { left }) };
      return { end, ends, lines, violations, sharesState, ...seen };
    } catch (error) {
      if (error instanceof Nondeterministic) await this.#expired(execution);
      throw error instanceof Nondeterministic && this.#everExpired.size > 0
        ? new Error(ranOutIn([...this.#everExpired]).why, { cause: error })
        : error;
    } finally {
      this.#callers.ran();
      this.readsClockInside ||= readsClockInside(execution.lines, this.#stamps);
      await execution.dispose();
      this.#world.lookAhead(statementsOf(execution.lines));
    }
  }

  /** Some key may end by itself: an order begins with one, or somebody was at Redis. */
  get #keysEnd(): boolean {
    return this.#world.keysAge || this.#arena.redisTraces.any;
  }

  /** Keys that expired in real time: they may be why two orders differ from now on. */
  async #expired({ leases }: Execution): Promise<readonly string[]> {
    const names = await this.#ranOut.names(leases.ended);
    for (const name of names) this.#everExpired.add(name);
    return names;
  }

  async #renew(untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    await this.#callers.renew();
    this.#keysMayHaveEnded ||= this.#keysEnd;
    const leftMs = untilMs - realNow();
    await this.#world.renew(leftMs);
    const { warm } = this.#callers;
    if (warm.intact) return;
    const means = { arena: this.#arena, world: this.#world, callers: this.#callers };
    await warm.start(index => warmedUp(means, this.#settings, index));
    await this.#world.renew(leftMs);
  }

  async #restore(): Promise<void> {
    try {
      await this.#renew();
      await this.#world.restoreRows();
    } catch (error) {
      if (!(error instanceof WorldChanged)) throw error;
      await this.#renew();
      await this.#world.restoreRows();
    }
  }

  async #judge(ends: readonly (ActorEnd | undefined)[], patience: Patience): Promise<string[]> {
    const found = await judged(this.#subject, ends, this.#arena.postgres, this.#world.urls);
    const { probe, probeIf } = this.#subject;
    const probes = probeIf === undefined || (await asPart('probeIf', () => probeIf(ends)));
    const [name] = Object.keys(this.#subject.actors);
    if (!probes || probe === undefined || name === undefined) return found;
    const settings = { ...this.#settings, patience, eventsMax: 0, phases: false };
    const start = (ended: () => void) => [this.#callers.one(name, probe, 0, ended)];
    const stuck = await probed(this.#subject, { arena: this.#arena, settings, start });
    return [...found, ...stuck];
  }
}
