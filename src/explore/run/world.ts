import { takeTraces } from '../gate/redis-traces.ts';
import { Routines } from '../gate/routines.ts';
import { keeper } from '../keeper/keeper.ts';
import { OutOfTime } from '../search/point.ts';
import { Arena } from './arena.ts';
import { Baseline, shadow } from './baseline.ts';
import { ClusterObjects } from './cluster-objects.ts';
import { createDatabase, type OwnDatabase } from './database.ts';
import { Definitions, mayChange, type WorldChange } from './definitions.ts';
import type { Memory } from './memory.ts';
import { NotPutBack, reasonOf, textOf, WorldChanged } from './not-put-back.ts';
import { installPhases } from './phases.ts';
import { RedisWorld } from './redis-world.ts';
import { limitsOf } from './role-limits.ts';
import {
  everywhere,
  isSame,
  type StoredSettings,
  storedSettings,
  storing,
} from './role-settings.ts';
import { relationSources, routineSources } from './routine-sources.ts';
import type { ServerUrls } from './servers.ts';
import { runSetup } from './setup.ts';
import type { Subject } from './subject.ts';
import { asPart } from './unjudged.ts';
import { lateMs, NotInTime, within } from './within.ts';

/** Time limit for restoring the world and for each of the explorer's own queries. */
const controlMs = 20_000;
/** Waits for a lock end before, so that the error names the lock. */
const lockMs = 15_000;
const closeMs = 30_000;

/**
 * Everything that an order may change, and how it was at the start: rows and keys are restored before
 * every order; where an order has changed tables, types, functions or settings, the whole database is
 * recreated from a copy. That copy is made when it is first needed, after one more run of the setup,
 * which has to produce the same world every time: a replay starts from it, too.
 */
export class World {
  readonly arena: Arena;
  /** The servers themselves, not the gates. */
  readonly urls: { readonly pgUrl: string; readonly redisUrls: readonly string[] };
  readonly #subject: Subject;
  readonly #database: OwnDatabase;
  readonly #redis: RedisWorld;
  readonly #cluster: ClusterObjects;
  /** The keeper need not empty Redis any more. */
  readonly #disown: () => void;
  readonly #phases: boolean;
  /** What was stored for the role before anything of this exploration. */
  #before: readonly StoredSettings[] = [];
  #memory: Memory | undefined;
  #copied = false;
  #ahead: Promise<WorldChange> | undefined;
  /** The order before may have changed definitions. */
  #suspect = true;
  /** Some order has without its statements showing it: every order is checked from then on. */
  #unseen = false;
  /** Definitions were looked at since the order before. */
  #looked = false;
  /** How often the setup has run; tables have new oids each time. */
  fills = 0;
  #role = '';

  private constructor(
    subject: Subject,
    phases: boolean,
    arena: Arena,
    database: OwnDatabase,
    redis: RedisWorld,
    cluster: ClusterObjects,
    disown: () => void,
  ) {
    this.#cluster = cluster;
    this.#subject = subject;
    this.#phases = phases;
    this.arena = arena;
    this.#database = database;
    this.#redis = redis;
    this.#disown = disown;
    this.urls = { pgUrl: database.url, redisUrls: redis.urls };
  }

  /** Makes the database, refuses servers that are in use, opens sessions and gates. */
  static async open(subject: Subject, servers: ServerUrls, phases: boolean): Promise<World> {
    const redisUrls = servers.redisUrls ?? [];
    const redis = await RedisWorld.open(redisUrls);
    const disowns = redisUrls.map(url => keeper().own({ kind: 'redis', url }));
    const disown = (): void => {
      for (const one of disowns) one();
    };
    let database: OwnDatabase | undefined;
    try {
      database = await createDatabase(servers.pgUrl);
      const urls = { pgUrl: database.url, redisUrls, httpUrls: servers.httpUrls ?? [] };
      const routines = new Routines(subject.oneStep);
      const arena = await Arena.open(urls, Object.keys(subject.actors), routines);
      const cluster = await ClusterObjects.open(database);
      return new World(subject, phases, arena, database, redis, cluster, disown);
    } catch (error) {
      await Promise.allSettled([redis.close().then(disown), database?.drop()]);
      throw error;
    }
  }

  /** Runs the setup, and remembers what it led to. Rejects where that takes longer than `ms`. */
  async fill(ms: number): Promise<void> {
    const { postgres } = this.arena;
    const [role] = await postgres.query('select current_user as name');
    this.#role = String(role?.name);
    this.#before = (await storedSettings(postgres)).filter(one => !one.here);
    this.#cluster.heed(this.#subject.setup);
    await within(ms, 'the setup', this.#fill());
    await this.#cluster.keep();
    const relations = await relationSources(postgres);
    this.arena.routines.learn(await routineSources(postgres), relations);
  }

  /** Limits of the verdict that follow from missing rights of the role, in sentences. */
  get limits(): readonly string[] {
    if (this.#memory === undefined) return [];
    const { baseline, whole } = this.#memory;
    return limitsOf(this.#role, baseline, whole);
  }

  /**
   * Everything but the rows is as it was, as far as statements tell: to be called before an actor
   * starts, and before `restoreRows`, which looks once more. Rejects with
   * NotPutBack where that cannot be done, or not in its time, and with OutOfTime where `leftMs` is
   * over before.
   */
  async renew(leftMs = Number.POSITIVE_INFINITY): Promise<void> {
    const what = 'putting back what the order before has changed';
    const ms = Math.max(1, Math.min(leftMs, 3 * controlMs));
    await within(ms, what, this.#renew()).catch(error => {
      if (!(error instanceof NotInTime)) throw error;
      if (ms === 3 * controlMs) throw new NotPutBack(error.message, { cause: error });
      throw new OutOfTime();
    });
  }

  /**
   * Looks at what `renew` will have to put back, while the order before is still being judged and
   * counted. `statements` are what it sent to Postgres; nobody is at work there any more.
   */
  lookAhead(statements: readonly string[]): void {
    this.#suspect ||= statements.some(mayChange);
    for (const one of statements) this.#cluster.heed(one);
    if (!this.#suspect) return;
    this.#ahead = this.#memory?.definitions.look(statements);
    this.#ahead?.catch(() => undefined); // told by `renew`
  }

  /**
   * Rows and sequences are as they were. Rejects with WorldChanged where an order has changed more
   * than its statements told (in a function, say): then `renew` and this are to be called again.
   */
  async restoreRows(): Promise<void> {
    if (this.#memory === undefined) throw new Error('nothing was set up');
    const { baseline, definitions } = this.#memory;
    const unchanged = this.#looked
      ? baseline.restore().then(() => true)
      : baseline.restoreIf(definitions.same);
    await this.#inTime(unchanged.then(() => undefined));
    if (await unchanged) return;
    this.#suspect = true;
    this.#unseen = true;
    throw new WorldChanged('an order has changed more than rows');
  }

  async #inTime(work: Promise<void>): Promise<void> {
    await within(controlMs + lateMs, 'putting the rows back', work).catch(async error => {
      const why = await reasonOf(error, this.arena.postgres);
      throw new NotPutBack(`the rows cannot be put back: ${why}`, { cause: error });
    });
  }

  /** Each order begins with keys that end by themselves. */
  get keysAge(): boolean {
    return this.#redis.ages;
  }

  /** Removes everything from the servers. Errors on the way are thrown when the rest is done. */
  async close(): Promise<void> {
    const steps = [
      async () => this.#redis.close().then(this.#disown),
      async () => this.#storeAgain(),
      async () => this.arena.close(),
      async () => this.#database.drop(await this.#cluster.removing('all')),
    ];
    const failed: unknown[] = [];
    for (const step of steps) {
      await within(closeMs, 'closing', step()).catch((error: unknown) => failed.push(error));
    }
    if (failed.length > 0) throw failed[0];
  }

  async #fill(): Promise<void> {
    const { postgres } = this.arena;
    const { setup, prepare } = this.#subject;
    await runSetup(postgres, setup);
    if (prepare !== undefined) {
      await this.#redis.fill(() => prepare(this.urls.pgUrl, this.urls.redisUrls));
    }
    await this.#redis.capture();
    await postgres.limit({ lock: lockMs }); // copying the rows may take as long as it needs
    const baseline = await Baseline.capture(postgres).catch(async error => {
      throw new Error(`the rows cannot be copied: ${await reasonOf(error, this.arena.postgres)}`, {
        cause: error,
      });
    });
    const whole = this.#phases ? await installPhases(postgres) : [];
    const definitions = await Definitions.capture(postgres, shadow);
    this.#memory = { baseline, definitions, settings: await storedSettings(postgres), whole };
    this.fills++;
    await this.#memory?.baseline.confine({ lock: lockMs, statement: controlMs });
  }

  async #renew(): Promise<void> {
    if (this.#memory === undefined) throw new Error('nothing was set up');
    const { definitions, baseline } = this.#memory;
    const { reset } = this.#subject;
    this.#looked = this.#suspect || baseline.needsCopy || reset !== undefined;
    const looking = this.#looked ? (this.#ahead ?? definitions.look([])) : undefined;
    this.#ahead = undefined;
    const [change] = await Promise.all([looking, this.#restoreRedis()]);
    for (const gid of change?.prepared ?? []) {
      await this.arena.postgres.query(`rollback prepared '${gid.replaceAll("'", "''")}'`);
    }
    const beyond = await this.#cluster.left();
    if (change?.definitions || beyond || baseline.needsCopy) await this.#anew();
    this.#suspect = this.#unseen;
    if (reset === undefined) return;
    await this.restoreRows();
    await asPart('reset', () => reset(this.urls));
  }

  /** Only what somebody may have touched: the hooks of a config get the servers themselves. */
  async #restoreRedis(): Promise<void> {
    const { check, reset } = this.#subject;
    const hooked = check !== undefined || reset !== undefined;
    await this.#redis.restore(takeTraces(this.arena.redisTraces, hooked));
  }

  /** Another database under the same name. */
  async #anew(): Promise<void> {
    const { postgres } = this.arena;
    const before = this.#memory?.settings ?? [];
    const changed = !isSame(everywhere(before), everywhere(await storedSettings(postgres)));
    const names = { role: this.#role, database: this.#database.name };
    await this.arena.leavePostgres();
    if (changed) await this.#database.queryAll(storing(everywhere(before), names));
    if (!this.#copied) await this.#copy();
    else
      await this.#database.renew(
        storing(
          before.filter(one => one.here),
          names,
        ),
      );
    await this.#database.queryAll(await this.#cluster.removing('what orders made'));
    await postgres.open();
    await this.#memory?.baseline.confine({ lock: lockMs, statement: controlMs });
    const left = await this.#memory?.definitions.look([]);
    if (left?.definitions === true) {
      throw new NotPutBack(
        'an order changes something outside its database that cannot be put back ' +
          '(a role, a privilege on the database); undo it in `reset`',
      );
    }
  }

  /** The setup once more, in an empty database, and a copy of that before anybody is let in. */
  async #copy(): Promise<void> {
    await this.#database.renew([]);
    await this.#database.queryAll(await this.#cluster.removing('all')); // the setup makes them
    await this.arena.postgres.open();
    await this.#redis.empty();
    await this.#fill();
    await this.arena.leavePostgres();
    await this.#database.keep().catch((error: unknown) => {
      throw new NotPutBack(
        'an order changes tables, types, functions or settings, so the database has to be copied; ' +
          `that fails: ${textOf(error)}; does \`prepare\` end its sessions?`,
        { cause: error },
      );
    });
    this.#copied = true;
  }

  async #storeAgain(): Promise<void> {
    if (this.#role === '') return;
    const now = everywhere(await storedSettings(this.#database));
    if (isSame(now, this.#before)) return;
    await this.#database.queryAll(storing(this.#before, { role: this.#role, database: '' }));
  }
}
