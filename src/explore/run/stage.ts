import { cheapest } from '../search/cost.ts';
import { type Choose, Nondeterministic } from '../search/point.ts';
import { ActorRealm } from '../time/actor-realm.ts';
import { installRealms } from '../time/install.ts';
import { type ActorEnd, type ActorFunction, InProcessActor, type RunningActor } from './actor.ts';
import { type Arena, realNow } from './arena.ts';
import { readCatalogue } from './catalogue.ts';
import { ChildActor, type CommandActor, type RequestActor, ServiceActor } from './child-actor.ts';
import { Execution } from './execution.ts';
import { freePorts } from './free-ports.ts';
import { allPass } from './leases.ts';
import type { Surroundings } from './observe.ts';
import type { PostgresControl } from './postgres-control.ts';
import { RanOut, ranOutIn } from './ran-out.ts';
import type { ExecutionRecord } from './record.ts';
import { heldRows, type RowLease } from './row-leases.ts';
import type { ServerUrls, WorldServers } from './servers.ts';
import type { ExecutionSettings, TraceLine } from './trace.ts';
import { closed, untilAborted, within } from './within.ts';
import { World } from './world.ts';

export type { ExecutionRecord, ServerUrls, WorldServers };

/** A caller: an async function given its URLs, a program that finds them in its environment, or a
 * request to a service that does. */
export type Actor = ActorFunction | CommandActor | RequestActor;

/** What an exploration is about: code, unmodified, and how to judge what it left behind. */
export interface Subject {
  /**
   * SQL run in a database of its own; everything that it made is put back before every execution.
   * One transaction, unless a statement cannot run in one (VACUUM, CREATE INDEX CONCURRENTLY).
   */
  readonly setup: string;
  /**
   * Runs behind `setup`, against the servers themselves: rows and keys that take a program to make.
   * It ends its sessions. It runs once more when the callers are seen to change tables.
   */
  readonly prepare?: (pgUrl: string, redisUrls: readonly string[]) => Promise<void>;
  /**
   * Runs before every execution, when databases are as they were: for what lies outside of them (a
   * file, a role, another service).
   */
  readonly reset?: (servers: WorldServers) => Promise<void>;
  /** One entry per concurrent caller, in the order of their letters: A, B, C … */
  readonly actors: Readonly<Record<string, Actor>>;
  /**
   * SQL over committed rows; every row that it returns is a violation. A function where it asks for
   * what the callers were told.
   */
  readonly audit: string | ((ends: readonly (ActorEnd | undefined)[]) => string);
  /**
   * Judges what the callers were told, and what it finds at the servers when all is over; each string
   * that it returns is a violation.
   */
  readonly check?: (
    ends: readonly (ActorEnd | undefined)[],
    servers: WorldServers,
  ) => readonly string[] | Promise<readonly string[]>;
  /**
   * A fresh caller, run alone when all actors have ended and every lease in Redis has passed: can
   * it still get its turn? `checkProbe` says; by default a probe that throws or never ends is stuck.
   */
  readonly probe?: Actor;
  /** Whether an order needs the probe, by how its callers ended. Default: every order does. */
  readonly probeIf?: (ends: readonly (ActorEnd | undefined)[]) => boolean;
  readonly checkProbe?: (end: ActorEnd | undefined) => readonly string[];
  /** How leases that are kept in rows end, for the events `lease-expires` and `pause`. */
  readonly leases?: readonly RowLease[];
}

/** The longest that a setup may take where nobody says how long the exploration may. */
const setupMs = 3_600_000;
/** Judging an execution ends within this, or in no verdict. */
const judgeMs = 30_000;

/** How one execution is run. */
export interface Course {
  /** Tells, behind each choice, whether what it touches is to be known. */
  readonly asks?: () => boolean;
  /**
   * One that has not ended by then, in the time of `performance.now`, is given up: its end is `late`.
   * Default: never.
   */
  readonly untilMs?: number | undefined;
}

/** Everything open for one exploration; runs one schedule after the other. */
export class Stage {
  /** What a verdict rests on beside the usual, in sentences. */
  readonly limits: readonly string[];
  readonly #world: World;
  readonly #arena: Arena;
  readonly #subject: Subject;
  readonly #settings: ExecutionSettings;
  readonly #surroundings: Surroundings | undefined;
  readonly #startMs = Date.now();
  readonly #uninstall: () => void;
  readonly #ranOut: RanOut;
  readonly #everExpired = new Set<string>();
  #servicePorts: readonly number[] = [];
  /** How often the setup had run when the surroundings were read. */
  #fills = 1;

  private constructor(
    world: World,
    subject: Subject,
    settings: ExecutionSettings,
    surroundings: Surroundings | undefined,
    uninstall: () => void,
    ranOut: RanOut,
  ) {
    this.#ranOut = ranOut;
    this.#world = world;
    this.limits = world.limits;
    this.#arena = world.arena;
    this.#subject = subject;
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#uninstall = uninstall;
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
      await tryAudit(world.arena.postgres, auditOf(subject, []));
      await heldRows(world.arena.postgres, subject.leases ?? []);
      const surroundings = settings.footprints ? await surroundingsOf(world.arena) : undefined;
      const ranOut = await RanOut.open(servers.redisUrls ?? []);
      return new Stage(world, subject, settings, surroundings, installRealms(), ranOut);
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
   * Some actor has read the time of the server, which the tables did not tell: orders that differ in
   * whose transaction began first may differ in more. Known when an order with such a statement has run.
   */
  get clockWasRead(): boolean {
    const about = this.#surroundings;
    return about?.clockWasRead === true && !about.catalogue.stampsRows;
  }

  /** Runs all actors once, from the baseline, under the schedule that `choose` makes. */
  async execute(choose: Choose, { asks, untilMs }: Course = {}): Promise<ExecutionRecord> {
    const actors = Object.values(this.#subject.actors);
    if (actors.some(act => typeof act !== 'function' && 'service' in act)) {
      this.#servicePorts = await freePorts(actors.length);
    }
    await this.#world.renew();
    if (this.#surroundings !== undefined && this.#world.fills !== this.#fills) {
      this.#fills = this.#world.fills;
      this.#surroundings.catalogue = await readCatalogue(this.#arena.postgres);
    }
    const restored = this.#world.restoreRows();
    const start = (ended: () => void) => this.#start(ended);
    const patience = { ...this.#settings.patience, untilMs };
    const settings = { ...this.#settings, patience };
    const { leases } = this.#subject;
    const execution = new Execution(this.#arena, start, settings, this.#surroundings, leases);
    try {
      if (this.#settings.signal?.aborted) this.#giveUp();
      await this.#ranOut.begin();
      const ran = await execution.run(choose, restored, asks);
      const expired = await this.#expired(execution);
      const end = expired.length === 0 || ran.kind === 'late' ? ran : ranOutIn(expired);
      const { ends, lines, sharesState, occasions } = execution;
      await execution.dispose();
      const judged = end === ran && end.kind !== 'abandoned' && end.kind !== 'late';
      const violations = judged ? await this.#judge(ends) : [];
      const hides = [...execution.hides];
      const keptKeys = [...execution.leases.kept].sort();
      return { end, ends, lines, violations, sharesState, hides, occasions, keptKeys, expired };
    } catch (error) {
      if (error instanceof Nondeterministic) await this.#expired(execution);
      throw error instanceof Nondeterministic && this.#everExpired.size > 0
        ? new Error(ranOutIn([...this.#everExpired]).why, { cause: error })
        : error;
    } finally {
      await execution.dispose();
      this.#world.lookAhead(statementsOf(execution.lines));
    }
  }

  /** Keys that ran out in real time: what differs between two orders may be their fault from now on. */
  async #expired({ leases }: Execution): Promise<readonly string[]> {
    const names = await this.#ranOut.names(leases.ended);
    for (const name of names) this.#everExpired.add(name);
    return names;
  }

  #start(ended: () => void): RunningActor[] {
    const actors = Object.entries(this.#subject.actors);
    return actors.map(([name, act], index) => this.#actor(name, act, index, ended));
  }

  #actor(name: string, act: Actor, index: number, ended: () => void): RunningActor {
    const port = this.#arena.ports[index];
    if (port === undefined) throw new Error(`no gates for ${name}`);
    port.movedAtMs = realNow();
    const tie = { movedAtMs: () => port.movedAtMs, ended };
    if (typeof act !== 'function') {
      if ('command' in act) return new ChildActor(name, act, port.urls, tie);
      return new ServiceActor(name, act, port.urls, this.#servicePorts[index] ?? 0, tie);
    }
    const realm = new ActorRealm(this.#startMs, index + 1, () => this.#arena.activity.moved());
    return new InProcessActor(name, act, port.urls, realm, ended);
  }

  async #judge(ends: readonly (ActorEnd | undefined)[]): Promise<string[]> {
    const rows = await this.#arena.postgres.audit(auditOf(this.#subject, ends));
    const checked = Promise.resolve(this.#subject.check?.(ends, this.#world.urls) ?? []);
    const told = await within(judgeMs, '`check`', checked);
    const stuck = this.#subject.probeIf?.(ends) === false ? [] : await this.#probe();
    return [...rows.map(row => JSON.stringify(row)), ...told, ...stuck];
  }

  /** Lets a fresh caller try when everything has settled. */
  async #probe(): Promise<readonly string[]> {
    const { probe, checkProbe } = this.#subject;
    const [name] = Object.keys(this.#subject.actors);
    if (probe === undefined || name === undefined) return [];
    await allPass(this.#arena, this.#subject.leases ?? []);
    const settings = { ...this.#settings, eventsMax: 0, phases: false };
    const start = (ended: () => void) => [this.#actor(name, probe, 0, ended)];
    const execution = new Execution(this.#arena, start, settings);
    try {
      const choose: Choose = point => cheapest(point.choices, point.previous);
      const { kind } = await execution.run(choose, Promise.resolve());
      const [end] = execution.ends;
      if (kind !== 'ended') return ['stuck: a fresh caller never ends'];
      if (checkProbe !== undefined) return checkProbe(end);
      return end?.kind === 'returned' ? [] : ['stuck: a fresh caller does not get its turn'];
    } finally {
      await execution.dispose();
    }
  }
}

function statementsOf(lines: readonly TraceLine[]): string[] {
  return lines.flatMap(({ store, label }) => (store === 'postgres' ? [label] : []));
}

async function surroundingsOf({ postgres }: Arena): Promise<Surroundings> {
  return {
    postgres,
    catalogue: await readCatalogue(postgres),
    snapshotsByDefault: await postgres.snapshotsByDefault(),
    clockWasRead: false,
  };
}

function auditOf({ audit }: Subject, ends: readonly (ActorEnd | undefined)[]): string {
  return typeof audit === 'string' ? audit : audit(ends);
}

/** A mistake in the audit shows before anything is explored. */
async function tryAudit(postgres: PostgresControl, audit: string): Promise<void> {
  try {
    await postgres.audit(audit);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const advice = message.includes('multiple commands') ? '; write one statement' : '';
    throw new Error(`the audit cannot run: ${message}${advice}`);
  }
}
