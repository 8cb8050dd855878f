/** What a run strikes: real servers, the service in two processes, and a tap in front of each store. */
import type { RedisNeeds } from '../../src/contract/index.ts';
import { freePort, type Services } from '../../src/services/index.ts';
import type { PostgresStore } from '../../src/store/postgres.ts';
import { conditionsOf } from '../lab/conditions.ts';
import { createRunDatabase, durabilityOf, type RunDatabase } from '../lab/run-database.ts';
import type { Environment } from '../lab/service.ts';
import type { Conditions } from '../lab/shapes.ts';
import { openServers } from '../lab/stack.ts';
import { waitMs } from '../lab/wait.ts';
import type { Times } from './fault.ts';
import { LiveService } from './live-service.ts';
import { OwnView } from './own-view.ts';
import type { WirePoint } from './phases.ts';
import { ordinaryOwner, spreadIds } from './run-role.ts';
import { struckPostgres, struckRedis } from './servers.ts';
import type { Lab, Stage, StruckProcess, StruckRedis, StruckServer } from './stage.ts';
import { PostgresPassage } from './wire/postgres-passage.ts';
import { RedisPassage } from './wire/redis-passage.ts';
import { Strike } from './wire/strike.ts';
import { Tap } from './wire/tap.ts';

export const processes = 2;
const connectionsEach = 24;

export interface RigOptions {
  readonly environment: Environment;
  readonly strategyFiles: readonly string[];
  readonly times: Times;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Redis {
  readonly server: StruckRedis;
  readonly tap: Tap;
}

interface Parts {
  readonly services: Services;
  readonly database: RunDatabase;
  /** The same database, with the account of the service. */
  readonly serviceUrl: string;
  readonly postgres: { readonly server: StruckServer; readonly tap: Tap };
  /** A second way to Postgres, for a service that has two addresses. */
  readonly otherTap: Tap;
  readonly view: OwnView;
  readonly redis: Redis;
  readonly nodes: readonly Redis[];
  readonly strikes: Set<Strike>;
}

/** Everything that a cell needs; one for all cells of a run. Owned by the run, ended by `close`. */
export class Rig {
  readonly conditions: Conditions;
  /** What is there before and after the commands of a cell, too. */
  readonly lab: Lab;
  readonly #parts: Parts;
  readonly #options: RigOptions;
  readonly #service: LiveService;

  private constructor(parts: Parts, options: RigOptions, { service, conditions }: Started) {
    this.#parts = parts;
    this.#options = options;
    this.#service = service;
    this.conditions = conditions;
    this.lab = labOf(parts, options, service);
  }

  /** Starts everything. Rejects with a message that says what to do, and then leaves nothing behind. */
  static async open(options: RigOptions): Promise<Rig> {
    const { report, signal, environment } = options;
    // servers given by URL are somebody's: they are not struck
    const own = { ...environment, DATABASE_URL: '', REDIS_URL: '', REDIS_NODES: '' };
    const services = await openServers({ environment: own, report, signal });
    try {
      const parts = await partsOf(services, options);
      return await startedOn(parts, options).then(
        started => new Rig(parts, options, started),
        async error => {
          await closeTaps(parts);
          throw error;
        },
      );
    } catch (error) {
      await services.close();
      throw error;
    }
  }

  /** Of those that serve now. */
  get processUrls(): readonly string[] {
    return this.#service.processUrls;
  }

  get workers(): readonly StruckProcess[] {
    return this.#service.processes;
  }

  /** Rejects when the service ends unasked. */
  get ended(): Promise<never> {
    return this.#service.ended;
  }

  /** The process that starts those again that die. */
  get primaryPid(): number {
    return this.#service.primaryPid;
  }

  /** Where the judge looks. */
  get databaseUrl(): string {
    return this.#parts.view.url;
  }

  /** Makes the keys of a load, past the taps. */
  get seeds(): PostgresStore {
    return this.#parts.view.seeds;
  }

  /** Where the connections of the service to its stores lead. */
  get storePorts(): ReadonlySet<number> {
    return new Set(tapsOf(this.#parts).map(({ url }) => Number(new URL(url).port)));
  }

  /** Watches the wire for the next command on this key, and holds it at this point. */
  strike(key: string, point: WirePoint): Strike {
    const strike = new Strike(key, point, this.#parts.nodes.length);
    this.#parts.strikes.add(strike);
    return strike;
  }

  /** Lets everything pass that a strike held, and watches for it no more. */
  lift(strike: Strike): void {
    strike.release();
    this.#parts.strikes.delete(strike);
  }

  /** What a fault may lay hands on, for these commands in the first process. */
  stage(courses: readonly Struck[]): Stage {
    const { redis, nodes, postgres } = this.#parts;
    const one = courses.some(({ needs }) => needs.one);
    const several = courses.some(({ needs }) => needs.several);
    const struck = [...(one ? [redis] : []), ...(several ? nodes : [])];
    const strikes = courses.map(({ strike }) => strike);
    const [process] = this.workers;
    if (!process) throw new Error('the service has no process to strike');
    const { lab } = this;
    return {
      lab,
      times: this.#options.times,
      process,
      service: lab.service,
      redis: struck.map(({ server }) => server),
      postgres: lab.postgres,
      wires: { postgres: postgres.tap, redis: struck.map(({ tap }) => tap) },
      sql: lab.sql,
      backends: strikes.map(({ backends }) => backends),
      leave: async () => {
        for (const course of courses) course.leave();
        await process.turned();
      },
      undefended: courses.some(({ member }) => member.undefended),
      resetHeld: () => {
        for (const { heldConnection: name } of strikes)
          if (name !== undefined) postgres.tap.reset(name);
      },
      letPass: () => {
        for (const strike of strikes) strike.release();
      },
      pause: lab.pause,
    };
  }

  async close(): Promise<void> {
    const { strikes, services } = this.#parts;
    for (const strike of strikes) strike.release();
    for (const worker of this.workers) worker.signal('SIGCONT');
    await this.#parts.view.close();
    await this.#parts.database.release();
    await services.close();
    await closeTaps(this.#parts);
  }
}

/** A command that is struck, with others. */
interface Struck {
  readonly strike: Strike;
  readonly needs: RedisNeeds;
  readonly member: { readonly undefended: boolean };
  leave(): void;
}

function labOf(parts: Parts, { signal }: RigOptions, service: LiveService): Lab {
  const { redis, nodes, postgres, otherTap, services, serviceUrl, view } = parts;
  return {
    service,
    postgres: postgres.server,
    redis: { one: redis.server, nodes: nodes.map(({ server }) => server) },
    wire: postgres.tap,
    otherWire: otherTap,
    lookAt: view.lookAt,
    databaseUrl: serviceUrl,
    sql: view.sql,
    keeper: services.keeper,
    signal,
    pause: ms => waitMs(ms, signal),
  };
}

const tapsOf = ({ redis, nodes, postgres, otherTap }: Parts): readonly Tap[] => [
  ...[redis, ...nodes, postgres].map(({ tap }) => tap),
  otherTap,
];

async function closeTaps(parts: Parts): Promise<void> {
  await Promise.all(tapsOf(parts).map(tap => tap.close()));
}

interface Started {
  readonly service: LiveService;
  readonly conditions: Conditions;
}

async function partsOf(services: Services, { report, signal }: RigOptions): Promise<Parts> {
  const database = await createRunDatabase(services.postgres.url);
  const serviceUrl = await ordinaryOwner(database.url);
  const strikes = new Set<Strike>();
  const redisOf = async (server: Services['redis'], name: string): Promise<Redis> => {
    const tap = await Tap.open({
      name,
      url: server.url,
      passage: ends => new RedisPassage(ends, name, strikes),
      report,
    });
    return { server: struckRedis(services, server, name, { way: tap, signal }), tap };
  };
  const postgresTap = (name: string): Promise<Tap> =>
    Tap.open({
      name,
      url: serviceUrl,
      passage: ends => new PostgresPassage(ends, strikes),
      report,
    });
  return {
    services,
    database,
    serviceUrl,
    strikes,
    postgres: { server: struckPostgres(services, signal), tap: await postgresTap('postgres') },
    otherTap: await postgresTap('postgres, other way'),
    view: new OwnView(database.url),
    redis: await redisOf(services.redis, 'redis'),
    nodes: await Promise.all(
      services.redisNodes.map((node, index) => redisOf(node, `node ${index + 1}`)),
    ),
  };
}

async function startedOn(parts: Parts, options: RigOptions): Promise<Started> {
  const { services, database, redis, nodes, postgres } = parts;
  const { times } = options;
  const settings = {
    PROCESSES: String(processes),
    ALLOW_STRATEGY_HEADER: '1',
    LOG_LEVEL: 'fatal', // a fault is an error in every log
    LEASE_MS: String(times.leaseMs),
    WAIT_MS: String(times.waitMs),
    // those whose commands are held together have no connection to spare
    DATABASE_CONNECTIONS: String(connectionsEach),
    LOCK_CONNECTIONS: String(connectionsEach),
  };
  const behindTaps: Services = {
    ...services,
    redis: { ...services.redis, url: redis.tap.url },
    redisNodes: services.redisNodes.map((node, index) => ({
      ...node,
      url: nodes[index]?.tap.url ?? node.url,
    })),
  };
  const service = await LiveService.open({
    ...options,
    services: behindTaps,
    databaseUrl: postgres.tap.url,
    // each process that is asked for its inspector has a port of its own, and so has each run
    variables: { ...settings, NODE_OPTIONS: `--inspect-port=${await freePort()}` },
  });
  await spreadIds(database.url);
  const durability = await durabilityOf(database.url);
  return { service, conditions: await conditionsOf({ services, durability, settings }) };
}
