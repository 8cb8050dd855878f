import { Nondeterministic, OutOfTime } from '../search/point.ts';
import { cheapestFirst, type Scheduler } from '../search/scheduler.ts';
import { ActorRealm } from '../time/actor-realm.ts';
import { installRealms } from '../time/install.ts';
import { type ActorEnd, InProcessActor, type RunningActor } from './actor.ts';
import { Alone } from './alone.ts';
import { type Arena, realNow } from './arena.ts';
import { readCatalogue } from './catalogue.ts';
import { ChildActor, ServiceActor } from './child-actor.ts';
import { readsClockInside, stampsRows } from './clock-inside.ts';
import { allowedHosts, Outside } from './elsewhere.ts';
import { Execution } from './execution.ts';
import { freePorts } from './free-ports.ts';
import { judged, tryAudit } from './judges.ts';
import { allPass } from './leases.ts';
import { WorldChanged } from './not-put-back.ts';
import { RanOut, ranOutIn } from './ran-out.ts';
import type { ExecutionRecord } from './record.ts';
import { heldRows } from './row-leases.ts';
import type { ServerUrls } from './servers.ts';
import type { Patience } from './settle.ts';
import type { Actor, Subject } from './subject.ts';
import { type Surroundings, surroundingsOf } from './surroundings.ts';
import { type ExecutionSettings, statementsOf } from './trace.ts';
import { asPart } from './unjudged.ts';
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
  /** When the actors of this order began: a lease until then and then, by their clocks, has its length. */
  #startMs = 0;
  readonly #uninstall: () => void;
  readonly #outside: Outside;
  /** Runs single actors. */
  readonly alone: Alone;
  readonly #ranOut: RanOut;
  readonly #everExpired = new Set<string>();
  #servicePorts: readonly number[] = [];
  /** Since the last order that heard of keys which end. */
  #keysMayHaveEnded = true;
  /** In how many more orders programs are watched closely. */
  #closely = 3;
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
    this.#subject = subject;
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#uninstall = uninstall;
    this.#outside = outside;
    this.alone = new Alone({
      arena: world.arena,
      settings,
      start: ended => this.#start(ended),
      restore: () => this.#restore(),
    });
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
    const world = await World.open(subject, servers, settings.phases);
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
    this.#uninstall();
    await this.#ranOut.close();
    await this.#world.close();
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
    const start = (ended: () => void) => this.#start(ended);
    const patience = { ...this.#settings.patience, untilMs };
    const settings = { ...this.#settings, patience, beginsApart };
    const { leases } = this.#subject;
    const execution = new Execution(this.#arena, start, settings, this.#surroundings, leases);
    try {
      if (this.#settings.signal?.aborted) this.#giveUp();
      const ran = await execution.run(scheduler, restored);
      const asked = this.#keysEnd ? this.#expired(execution) : [];
      const { ends, lines, sharesState, occasions, witness } = execution;
      const [expired] = await Promise.all([asked, execution.dispose()]);
      const end = expired.length === 0 || ran.kind === 'late' ? ran : ranOutIn(expired);
      const elsewhere = [...this.#outside.of(witness.reached), ...witness.otherDatabases];
      const judged = end === ran && end.kind !== 'abandoned' && end.kind !== 'late';
      const violations = judged ? await this.#judge(ends, patience) : [];
      const hides = [...witness.hides];
      const outlived = [...witness.outlived];
      const late = [...witness.late];
      const keptKeys = [...execution.leases.kept].sort();
      const { requests, waits } = witness;
      const kept = { hides, occasions, keptKeys, expired, outlived, late };
      const seen = { ...kept, requests, elsewhere, waits };
      return { end, ends, lines, violations, sharesState, ...seen };
    } catch (error) {
      if (error instanceof Nondeterministic) await this.#expired(execution);
      throw error instanceof Nondeterministic && this.#everExpired.size > 0
        ? new Error(ranOutIn([...this.#everExpired]).why, { cause: error })
        : error;
    } finally {
      this.#closely--;
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
    const actors = Object.values(this.#subject.actors);
    if (actors.some(act => typeof act !== 'function' && 'service' in act)) {
      this.#servicePorts = await freePorts(actors.length);
    }
    this.#keysMayHaveEnded ||= this.#keysEnd;
    await this.#world.renew(untilMs - realNow());
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

  #start(ended: () => void): RunningActor[] {
    this.#startMs = Date.now();
    const actors = Object.entries(this.#subject.actors);
    return actors.map(([name, act], index) => this.#actor(name, act, index, ended));
  }

  #actor(name: string, act: Actor, index: number, ended: () => void): RunningActor {
    const port = this.#arena.ports[index];
    if (port === undefined) throw new Error(`no gates for ${name}`);
    port.movedAtMs = realNow();
    const tie = { movedAtMs: () => port.movedAtMs, ended, closely: this.#closely > 0 };
    if (typeof act !== 'function') {
      if ('command' in act) return new ChildActor(name, act, port.urls, tie);
      return new ServiceActor(name, act, port.urls, this.#servicePorts[index] ?? 0, tie);
    }
    const realm = new ActorRealm(this.#startMs, index + 1, () => this.#arena.activity.moved());
    realm.reach.behind(this.#arena.gatePorts.flat());
    return new InProcessActor(name, act, port.urls, realm, ended);
  }

  async #judge(ends: readonly (ActorEnd | undefined)[], patience: Patience): Promise<string[]> {
    const found = await judged(this.#subject, ends, this.#arena.postgres, this.#world.urls);
    const { probeIf } = this.#subject;
    const probes = probeIf === undefined || (await asPart('probeIf', () => probeIf(ends)));
    const stuck = probes ? await this.#probe(patience) : [];
    return [...found, ...stuck];
  }

  /** Lets a fresh caller try when everything has settled. Rejects with OutOfTime. */
  async #probe(patience: Patience): Promise<readonly string[]> {
    const { probe, checkProbe } = this.#subject;
    const [name] = Object.keys(this.#subject.actors);
    if (probe === undefined || name === undefined) return [];
    await allPass(this.#arena, this.#subject.leases ?? []);
    const settings = { ...this.#settings, patience, eventsMax: 0, phases: false };
    const start = (ended: () => void) => [this.#actor(name, probe, 0, ended)];
    const execution = new Execution(this.#arena, start, settings);
    try {
      const { kind } = await execution.run(cheapestFirst, Promise.resolve());
      const [end] = execution.ends;
      if (kind === 'late') throw new OutOfTime();
      if (kind !== 'ended') return ['stuck: a fresh caller never ends'];
      if (checkProbe !== undefined) return asPart('checkProbe', () => checkProbe(end));
      return end?.kind === 'returned' ? [] : ['stuck: a fresh caller does not get its turn'];
    } finally {
      await execution.dispose();
    }
  }
}
