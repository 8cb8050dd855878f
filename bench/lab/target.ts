/** A service under load: one started here on a database of its own, or a remote one. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Services } from '../../src/services/index.ts';
import { openDelayProxy } from './delay-proxy.ts';
import { createRunDatabase } from './run-database.ts';
import { type Environment, startService, variablesSet } from './service.ts';

/** A service to send commands to. */
export interface Target {
  readonly url: string;
  readonly processUrls: readonly string[];
  readonly adminToken: string | undefined;
  /** Its longest lease: so long after the load a key may still be busy. */
  readonly leaseMs: number;
  /** Undefined for a remote service, of which only the metrics can be read. */
  readonly inside: Inside | undefined;
  close(): Promise<void>;
}

/** What can be measured because it runs on this machine. */
export interface Inside {
  readonly databaseUrl: string;
  readonly redisUrls: readonly string[];
  /** Where the service writes what became of every command; undefined: nowhere. */
  readonly historyFolder: string | undefined;
  readonly pids: {
    readonly service: readonly number[];
    readonly postgres: readonly number[];
    readonly redis: readonly number[];
  };
}

/** Shorter than the service's default: each cell ends by waiting this long for stragglers. */
export const waitMs = 3_000;

/** The service's default. */
export const usualLeaseMs = 10_000;

/** How the service is configured for a group of cells. */
export interface ServiceShape {
  readonly processes: number;
  /** Added to every round trip to Postgres. */
  readonly latencyMs: number;
  readonly synchronousCommit: boolean;
  /** Null: the service's default, with leases extended while held. */
  readonly leaseMs: number | null;
}

export interface OpenTarget {
  readonly services: Services;
  readonly plan: ServiceShape;
  readonly strategyFiles: readonly string[];
  /** Whether the service keeps the history of its commands. */
  readonly history: boolean;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

/** Starts the service. Rejects with its output, and then leaves nothing behind. */
export async function openTarget(options: OpenTarget): Promise<Target> {
  const { services, plan } = options;
  const database = await createRunDatabase(services.postgres.url);
  const { keeper } = services;
  const historyFolder = options.history ? await keeper.folder() : undefined;
  let proxied: PostgresRoute | undefined;
  try {
    await prepare(database.url, plan);
    proxied = await throughProxy(database.url, plan.latencyMs);
    const adminToken = randomBytes(18).toString('hex');
    const { child, url, processes } = await startService({
      ...options,
      databaseUrl: proxied.url,
      variables: {
        ...variablesOf(options, adminToken),
        ...(historyFolder !== undefined && { COMMAND_HISTORY: historyFolder }),
      },
    });
    const { redis, redisNodes, postgres } = services;
    const nodes = [redis, ...redisNodes];
    const service = [child.pid, ...processes.map(one => one.pid)];
    return {
      url,
      processUrls: processes.map(one => one.url),
      adminToken,
      leaseMs: plan.leaseMs ?? usualLeaseMs,
      inside: {
        databaseUrl: database.url,
        redisUrls: nodes.map(node => node.url),
        historyFolder,
        pids: {
          service,
          postgres: postgres.pid === undefined ? [] : [postgres.pid],
          redis: nodes.flatMap(node => node.pid ?? []),
        },
      },
      async close() {
        await child.stop().catch(() => {}); // if the keeper is gone, so is the service
        await proxied?.close();
        await database.drop();
        if (historyFolder !== undefined) await keeper.remove(historyFolder).catch(() => {});
      },
    };
  } catch (error) {
    await proxied?.close();
    await database.drop();
    if (historyFolder !== undefined) await keeper.remove(historyFolder).catch(() => {});
    throw error;
  }
}

/** Creates pg_stat_statements only where the server preloads it; elsewhere statements are not counted. */
async function prepare(databaseUrl: string, { synchronousCommit }: ServiceShape): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {}); // the next query reports it
  await client.connect();
  try {
    const { rows } = await client.query<{ libraries: string }>(
      "select current_setting('shared_preload_libraries') as libraries",
    );
    if (rows[0]?.libraries.includes('pg_stat_statements'))
      await client.query('create extension if not exists pg_stat_statements').catch(() => {});
    if (!synchronousCommit) {
      const name = client.escapeIdentifier(new URL(databaseUrl).pathname.slice(1));
      await client.query(`alter database ${name} set synchronous_commit = off`);
    }
  } finally {
    await client.end();
  }
}

/** The address at which the service reaches Postgres. */
interface PostgresRoute {
  readonly url: string;
  close(): Promise<void>;
}

async function throughProxy(databaseUrl: string, latencyMs: number): Promise<PostgresRoute> {
  if (latencyMs === 0) return { url: databaseUrl, close: async () => {} };
  const url = new URL(databaseUrl);
  const target = { host: url.hostname, port: Number(url.port || 5_432) };
  const proxy = await openDelayProxy(target, latencyMs);
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return { url: url.href, close: () => proxy.close() };
}

function variablesOf({ plan, environment }: OpenTarget, adminToken: string) {
  return {
    ...variablesSet(environment, ['DATABASE_CONNECTIONS', 'LOCK_CONNECTIONS']),
    ADMIN_TOKEN: adminToken,
    PROCESSES: String(plan.processes),
    ALLOW_STRATEGY_HEADER: '1',
    LOG_LEVEL: 'fatal', // each violation is logged as an error, and a hazard causes thousands
    CONNECT_TIMEOUT_MS: String(waitMs), // a handshake takes several round trips, each with the latency
    WAIT_MS: String(waitMs),
    ...(plan.leaseMs !== null && { LEASE_MS: String(plan.leaseMs), EXTEND_LEASE: '0' }),
  };
}
