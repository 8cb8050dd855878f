/** The service as a sitting of cells wants it, on a database of its own. */
import { randomBytes } from 'node:crypto';
import { delimiter, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { z } from 'zod';
import type { Services } from '../../src/services/index.ts';
import { createRunDatabase } from '../run-database.ts';
import { openDelayProxy } from './delay-proxy.ts';
import type { StackPlan } from './plan.ts';

/** Something to send commands to. */
export interface Target {
  readonly url: string;
  readonly processUrls: readonly string[];
  readonly adminToken: string | undefined;
  /** Undefined for a service elsewhere: nothing can be measured there but its metrics. */
  readonly inside: Inside | undefined;
  close(): Promise<void>;
}

/** What can be looked at because it runs here. */
export interface Inside {
  readonly databaseUrl: string;
  readonly redisUrls: readonly string[];
  readonly pids: {
    readonly service: readonly number[];
    readonly postgres: readonly number[];
    readonly redis: readonly number[];
  };
}

const readyLine = z.object({
  msg: z.literal('ready'),
  url: z.string(),
  processes: z.array(z.object({ pid: z.number(), url: z.string() })),
});

const readyMs = 60_000;

/** Shorter than usual: the end of each cell waits for stragglers so long. */
export const waitMs = 3_000;

export interface OpenTarget {
  readonly services: Services;
  readonly plan: StackPlan;
  readonly strategyFiles: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Starts the service. Rejects with what it said; leaves nothing behind then. */
export async function openTarget(options: OpenTarget): Promise<Target> {
  const { services, plan } = options;
  const database = await createRunDatabase(services.postgres.url);
  let proxied: Line | undefined;
  try {
    await prepare(database.url, plan);
    proxied = await throughProxy(database.url, plan.latencyMs);
    const adminToken = randomBytes(18).toString('hex');
    const { child, ready } = await startService(options, proxied.url, adminToken);
    const { redis, redisNodes, postgres } = services;
    const nodes = [redis, ...redisNodes];
    const service = [child.pid, ...ready.processes.map(one => one.pid)];
    return {
      url: ready.url,
      processUrls: ready.processes.map(one => one.url),
      adminToken,
      inside: {
        databaseUrl: database.url,
        redisUrls: nodes.map(node => node.url),
        pids: {
          service,
          postgres: postgres.pid === undefined ? [] : [postgres.pid],
          redis: nodes.flatMap(node => node.pid ?? []),
        },
      },
      async close() {
        await child.stop().catch(() => {}); // a keeper that is gone has ended it too
        await proxied?.close();
        await database.drop();
      },
    };
  } catch (error) {
    await proxied?.close();
    await database.drop();
    throw error;
  }
}

async function startService(options: OpenTarget, databaseUrl: string, adminToken: string) {
  let ready: z.infer<typeof readyLine> | undefined;
  const child = await options.services.keeper.start(
    {
      name: 'the service',
      role: 'client',
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), entry()],
      env: { ...variables(options), DATABASE_URL: databaseUrl, ADMIN_TOKEN: adminToken },
    },
    {
      onLine: line => {
        const read = readyLine.safeParse(parsed(line));
        if (read.success) ready = read.data;
      },
      ready: async () => {
        options.signal.throwIfAborted();
        return ready !== undefined;
      },
      readyMs,
    },
  );
  if (!ready) throw new Error('the service is ready and has not said where');
  return { child, ready };
}

/** The extension only where the server has loaded it; else statements are not counted. */
async function prepare(databaseUrl: string, { synchronousCommit }: StackPlan): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {}); // told by the query that meets it
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

/** Where the service finds Postgres. */
interface Line {
  readonly url: string;
  close(): Promise<void>;
}

async function throughProxy(databaseUrl: string, latencyMs: number): Promise<Line> {
  if (latencyMs === 0) return { url: databaseUrl, close: async () => {} };
  const url = new URL(databaseUrl);
  const target = { host: url.hostname, port: Number(url.port || 5_432) };
  const proxy = await openDelayProxy(target, latencyMs);
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return { url: url.href, close: () => proxy.close() };
}

function variables({ services, plan, strategyFiles, environment }: OpenTarget) {
  const handedOn = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'DATABASE_CONNECTIONS', 'LOCK_CONNECTIONS'];
  return {
    ...Object.fromEntries(
      handedOn.flatMap(name => (environment[name] ? [[name, environment[name]]] : [])),
    ),
    REDIS_URL: services.redis.url,
    REDIS_NODES: services.redisNodes.map(node => node.url).join(','),
    HOST: '127.0.0.1',
    PORT: '0',
    PROCESSES: String(plan.processes),
    ALLOW_STRATEGY_HEADER: '1',
    LOG_LEVEL: 'fatal', // a violation is an error in the log, and a hazard brings thousands
    NODE_ENV: 'production',
    CONNECT_TIMEOUT_MS: String(waitMs), // a handshake takes several exchanges, each with its latency
    WAIT_MS: String(waitMs),
    STRATEGY_FILES: strategyFiles.join(delimiter),
    ...(plan.leaseMs !== null && { LEASE_MS: String(plan.leaseMs), EXTEND_LEASE: '0' }),
  };
}

/** The service beside this file: the sources, or what was compiled from them. */
function entry(): string {
  return fileURLToPath(new URL(`../../src/main${extname(import.meta.url)}`, import.meta.url));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
