/** What a run strikes: real servers, the service in two processes, and a tap in front of each store. */
import pg from 'pg';
import type { RedisNeeds } from '../../src/contract/index.ts';
import { freePort, type Services } from '../../src/services/index.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { conditionsOf } from '../lab/conditions.ts';
import { createRunDatabase, durabilityOf, type RunDatabase } from '../lab/run-database.ts';
import { type Environment, startService } from '../lab/service.ts';
import type { Conditions } from '../lab/shapes.ts';
import { openServers } from '../lab/stack.ts';
import { waitMs } from '../lab/wait.ts';
import type { Times } from './fault.ts';
import type { WirePoint } from './phases.ts';
import { struckPostgres, struckRedis } from './servers.ts';
import type { Stage, StruckProcess, StruckRedis, StruckServer } from './stage.ts';
import { PostgresPassage } from './wire/postgres-passage.ts';
import { RedisPassage } from './wire/redis-passage.ts';
import { Strike } from './wire/strike.ts';
import { Tap } from './wire/tap.ts';
import { struckProcess } from './workers.ts';

export const processes = 2;

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
  readonly postgres: { readonly server: StruckServer; readonly tap: Tap };
  readonly redis: Redis;
  readonly nodes: readonly Redis[];
  readonly strikes: Set<Strike>;
}

/** Everything that a cell needs; one for all cells of a run. Owned by the run, ended by `close`. */
export class Rig {
  readonly conditions: Conditions;
  readonly processUrls: readonly string[];
  readonly workers: readonly StruckProcess[];
  /** The process that starts those again that die. */
  readonly primaryPid: number;
  readonly databaseUrl: string;
  /** Makes the keys of a load, past the taps. */
  readonly seeds: PostgresStore;
  /** Rejects when the service ends before `close`. */
  readonly ended: Promise<never>;
  readonly #parts: Parts;
  readonly #options: RigOptions;

  private constructor(parts: Parts, options: RigOptions, started: Started) {
    this.#parts = parts;
    this.#options = options;
    this.conditions = started.conditions;
    this.processUrls = started.processUrls;
    this.workers = started.workers;
    this.primaryPid = started.primaryPid;
    this.ended = started.ended;
    this.databaseUrl = parts.database.url;
    this.seeds = new PostgresStore({
      url: parts.database.url,
      connectionsMax: 1,
      connectTimeoutMs: 10_000,
      lockTimeoutMs: 10_000,
      applicationName: 'lockstep load',
    });
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

  /** Where the connections of the service to its stores lead. */
  get storePorts(): ReadonlySet<number> {
    const { redis, nodes, postgres } = this.#parts;
    return new Set([redis, ...nodes, postgres].map(({ tap }) => Number(new URL(tap.url).port)));
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

  /** What a fault may lay hands on, for a command in `worker` of a strategy with these needs. */
  stage(worker: StruckProcess, needs: RedisNeeds, strike: Strike): Stage {
    const { redis, nodes, postgres, database } = this.#parts;
    const struck = [...(needs.one ? [redis] : []), ...(needs.several ? nodes : [])];
    const { signal, times } = this.#options;
    return {
      times,
      process: worker,
      redis: struck.map(one => one.server),
      postgres: postgres.server,
      wires: { postgres: postgres.tap, redis: struck.map(one => one.tap) },
      sql: (text, values = []) => asOwner(database.url, text, values),
      backends: strike.backends,
      letPass: () => strike.release(),
      pause: ms => waitMs(ms, signal),
    };
  }

  async close(): Promise<void> {
    const { strikes, services } = this.#parts;
    for (const strike of strikes) strike.release();
    for (const worker of this.workers) worker.signal('SIGCONT');
    await this.seeds.close().catch(() => {});
    await this.#parts.database.release();
    await services.close();
    await closeTaps(this.#parts);
  }
}

async function closeTaps({ redis, nodes, postgres }: Parts): Promise<void> {
  await Promise.all([redis, ...nodes, postgres].map(({ tap }) => tap.close()));
}

type Started = Pick<Rig, 'conditions' | 'processUrls' | 'workers' | 'primaryPid' | 'ended'>;

async function partsOf(services: Services, { report, signal }: RigOptions): Promise<Parts> {
  const database = await createRunDatabase(services.postgres.url);
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
  const tap = await Tap.open({
    name: 'postgres',
    url: database.url,
    passage: ends => new PostgresPassage(ends, strikes),
    report,
  });
  return {
    services,
    database,
    strikes,
    postgres: { server: struckPostgres(services, signal), tap },
    redis: await redisOf(services.redis, 'redis'),
    nodes: await Promise.all(
      services.redisNodes.map((node, index) => redisOf(node, `node ${index + 1}`)),
    ),
  };
}

async function startedOn(parts: Parts, options: RigOptions): Promise<Started> {
  const { services, database, redis, nodes, postgres } = parts;
  const { times, signal } = options;
  const settings = {
    PROCESSES: String(processes),
    ALLOW_STRATEGY_HEADER: '1',
    LOG_LEVEL: 'fatal', // a fault is an error in every log
    LEASE_MS: String(times.leaseMs),
    WAIT_MS: String(times.waitMs),
  };
  const behindTaps: Services = {
    ...services,
    redis: { ...services.redis, url: redis.tap.url },
    redisNodes: services.redisNodes.map((node, index) => ({
      ...node,
      url: nodes[index]?.tap.url ?? node.url,
    })),
  };
  const { child, processes: running } = await startService({
    ...options,
    services: behindTaps,
    databaseUrl: postgres.tap.url,
    // each process that is asked for its inspector has a port of its own, and so has each run
    variables: { ...settings, NODE_OPTIONS: `--inspect-port=${await freePort()}` },
  });
  await spreadIds(database.url);
  const durability = await durabilityOf(database.url);
  const ended = child.exited.then(exit => {
    throw new Error(`the service exited (${exit.signal ?? `code ${exit.code}`}):\n${exit.tail}`);
  });
  ended.catch(() => {}); // cells race against it
  return {
    conditions: await conditionsOf({ services, durability, settings }),
    processUrls: running.map(({ url }) => url),
    primaryPid: child.pid,
    workers: running.map(({ pid, url }, index) =>
      struckProcess({ index, pid, url, primaryPid: child.pid, signal }),
    ),
    ended,
  };
}

/**
 * Lets every sequence go on at ten digits and a place of its own: then an id is found in the bytes of a
 * message, and is never part of something else.
 */
async function spreadIds(databaseUrl: string): Promise<void> {
  await asOwner(
    databaseUrl,
    `select setval(format('%I.%I', schemaname, sequencename)::regclass,
       7310000017 + 100000000 * row_number() over (order by sequencename))
     from pg_sequences where max_value > 1000000000000`,
    [],
  );
}

async function asOwner(url: string, text: string, values: readonly string[]): Promise<unknown> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {}); // the query reports it
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end().catch(() => {});
  }
}
