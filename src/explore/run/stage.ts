import { cheapest } from '../search/cost.ts';
import type { Choose } from '../search/point.ts';
import { ActorRealm } from '../time/actor-realm.ts';
import { installRealms } from '../time/install.ts';
import { type ActorEnd, type ActorFunction, InProcessActor, type RunningActor } from './actor.ts';
import { Arena, realNow } from './arena.ts';
import { Baseline } from './baseline.ts';
import { readCatalogue } from './catalogue.ts';
import { ChildActor, type CommandActor, type RequestActor, ServiceActor } from './child-actor.ts';
import { createDatabase } from './database.ts';
import { expireLeases } from './events.ts';
import { Execution } from './execution.ts';
import { freePorts } from './free-ports.ts';
import type { Surroundings } from './observe.ts';
import { installPhases } from './phases.ts';
import type { PostgresControl } from './postgres-control.ts';
import type { RedisControl } from './redis-control.ts';
import type { ExecutionEnd, ExecutionSettings, TraceLine } from './trace.ts';

/** A caller: an async function given its URLs, a program that finds them in its environment, or a
 * request to a service that does. */
export type Actor = ActorFunction | CommandActor | RequestActor;

/** What an exploration is about: code, unmodified, and how to judge what it left behind. */
export interface Subject {
  /** SQL run once in a database of its own; its rows are put back before every execution. */
  readonly setup: string;
  /** Runs once behind `setup`, against the server itself: rows that take a program to make. */
  readonly prepare?: (pgUrl: string) => Promise<void>;
  /** One entry per concurrent caller, in the order of their letters: A, B, C … */
  readonly actors: Readonly<Record<string, Actor>>;
  /**
   * SQL over committed rows; every row that it returns is a violation. A function where it asks for
   * what the callers were told.
   */
  readonly audit: string | ((ends: readonly (ActorEnd | undefined)[]) => string);
  /** Judges what the callers were told; each string that it returns is a violation. */
  readonly check?: (ends: readonly (ActorEnd | undefined)[]) => readonly string[];
  /**
   * A fresh caller, run alone when all actors have ended and every lease in Redis has passed: can
   * it still get its turn? `checkProbe` says; by default a probe that throws or never ends is stuck.
   */
  readonly probe?: Actor;
  /** Whether an order needs the probe, by how its callers ended. Default: every order does. */
  readonly probeIf?: (ends: readonly (ActorEnd | undefined)[]) => boolean;
  readonly checkProbe?: (end: ActorEnd | undefined) => readonly string[];
}

export interface ServerUrls {
  /** A role that may create databases; the exploration makes one and drops it. */
  readonly pgUrl: string;
  /** Its logical database is emptied before every execution: give one that holds nothing else. */
  readonly redisUrls?: readonly string[];
  /** Services that the actors call over HTTP/1.1, each call being a step. */
  readonly httpUrls?: readonly string[];
}

/** What one execution came to. */
export interface ExecutionRecord {
  readonly end: ExecutionEnd;
  readonly ends: readonly (ActorEnd | undefined)[];
  readonly lines: readonly TraceLine[];
  readonly violations: readonly string[];
  /** Actors waited for each other inside this process, where no gate sees it. */
  readonly sharesState: boolean;
  /** `label: why`, once for each request that held more than one step and could not be split. */
  readonly hides: readonly string[];
}

/** Everything open for one exploration; runs one schedule after the other. */
export class Stage {
  readonly #arena: Arena;
  readonly #baseline: Baseline;
  readonly #subject: Subject;
  readonly #settings: ExecutionSettings;
  readonly #surroundings: Surroundings | undefined;
  readonly #startMs = Date.now();
  #servicePorts: readonly number[] = [];
  readonly #close: (() => Promise<void> | void)[];

  private constructor(
    arena: Arena,
    baseline: Baseline,
    subject: Subject,
    settings: ExecutionSettings,
    surroundings: Surroundings | undefined,
    close: (() => Promise<void> | void)[],
  ) {
    this.#arena = arena;
    this.#baseline = baseline;
    this.#subject = subject;
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#close = close;
    settings.signal?.addEventListener('abort', this.#giveUp, { once: true });
  }

  /** Every wait of the running order ends with this. */
  readonly #giveUp = (): void => {
    this.#arena.failure = new Error('interrupted');
    this.#arena.activity.moved();
  };

  /** Makes the database, runs the setup, opens gates. Whatever was opened is closed on failure. */
  static async open(
    subject: Subject,
    servers: ServerUrls,
    settings: ExecutionSettings,
  ): Promise<Stage> {
    const close: (() => Promise<void> | void)[] = [];
    try {
      settings.signal?.throwIfAborted();
      const database = await createDatabase(servers.pgUrl);
      close.unshift(() => database.drop());
      const urls = {
        pgUrl: database.url,
        redisUrls: servers.redisUrls ?? [],
        httpUrls: servers.httpUrls ?? [],
      };
      const arena = await Arena.open(urls, Object.keys(subject.actors));
      close.unshift(() => arena.close());
      for (const redis of arena.redis) await refuseFull(redis);
      close.unshift(async () => {
        for (const redis of arena.redis) await redis.ask('flushdb');
      });
      await arena.postgres.query(subject.setup);
      settings.signal?.throwIfAborted();
      await subject.prepare?.(database.url);
      settings.signal?.throwIfAborted();
      await tryAudit(arena.postgres, auditOf(subject, []));
      const baseline = await Baseline.capture(arena.postgres, arena.redis);
      if (settings.phases) await installPhases(arena.postgres);
      const surroundings = settings.footprints ? await surroundingsOf(arena) : undefined;
      close.unshift(installRealms());
      return new Stage(arena, baseline, subject, settings, surroundings, close);
    } catch (error) {
      for (const end of close) await end();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#settings.signal?.removeEventListener('abort', this.#giveUp);
    for (const end of this.#close) await end();
  }

  /**
   * Some actor has read the time of the server, which the tables did not tell: orders that differ in
   * whose transaction began first may differ in more. Known when an order with such a statement has run.
   */
  get clockWasRead(): boolean {
    const about = this.#surroundings;
    return about?.clockWasRead === true && !about.catalogue.stampsRows;
  }

  /**
   * Runs all actors once, from the baseline, under the schedule that `choose` makes. `asks` tells,
   * behind each choice, whether what it touches is to be known.
   */
  async execute(choose: Choose, asks?: () => boolean): Promise<ExecutionRecord> {
    const actors = Object.values(this.#subject.actors);
    if (actors.some(act => typeof act !== 'function' && 'service' in act)) {
      this.#servicePorts = await freePorts(actors.length);
    }
    await this.#baseline.restoreKeys();
    const restored = this.#baseline.restoreRows();
    const start = (ended: () => void) => this.#start(ended);
    const execution = new Execution(this.#arena, start, this.#settings, this.#surroundings);
    try {
      if (this.#settings.signal?.aborted) this.#giveUp();
      const end = await execution.run(choose, restored, asks);
      const { ends, lines, sharesState } = execution;
      const hides = [...execution.hides];
      await execution.dispose();
      const violations = end.kind === 'abandoned' ? [] : await this.#judge(ends);
      return { end, ends, lines, violations, sharesState, hides };
    } finally {
      await execution.dispose();
    }
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
    const told = this.#subject.check?.(ends) ?? [];
    const stuck = this.#subject.probeIf?.(ends) === false ? [] : await this.#probe();
    return [...rows.map(row => JSON.stringify(row)), ...told, ...stuck];
  }

  /** Lets a fresh caller try when everything has settled. */
  async #probe(): Promise<readonly string[]> {
    const { probe, checkProbe } = this.#subject;
    const [name] = Object.keys(this.#subject.actors);
    if (probe === undefined || name === undefined) return [];
    await expireLeases(this.#arena);
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

/** Its database is emptied again and again: never somebody's data. */
async function refuseFull(redis: RedisControl): Promise<void> {
  const size = await redis.ask('dbsize');
  if (size !== 0) {
    throw new Error(
      `this Redis database holds ${String(size)} keys and would be emptied: name an empty one ` +
        '(redis://127.0.0.1:6379/15), or a server of its own',
    );
  }
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
