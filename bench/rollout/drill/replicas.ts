/** Two replicas of the service in two processes each, on one database; one of them behind a tap. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import pg from 'pg';
import { familyOf } from '../../../src/explore/run/process-state.ts';
import type { Services } from '../../../src/services/index.ts';
import { struckPostgres, struckRedis } from '../../faults/servers.ts';
import type { StruckServer } from '../../faults/stage.ts';
import { Tap } from '../../faults/wire/tap.ts';
import { createRunDatabase } from '../../lab/run-database.ts';
import { type Environment, type StartedService, startService } from '../../lab/service.ts';

/** What a drill lays hands on. */
export interface Replicas {
  /** One address per process: those of the first replica, then those behind the tap. */
  readonly urls: readonly string[];
  readonly adminToken: string;
  readonly databaseUrl: string;
  readonly postgres: StruckServer;
  readonly redis: StruckServer;
  /** The way of the second replica to Postgres. */
  readonly tap: Tap;
  /** The process of each address that serves now. */
  readonly serving: () => readonly number[];
  /** The process that moves groups of keys now; undefined if none does. */
  readonly mover: () => Promise<number | undefined>;
  close(): Promise<void>;
}

export interface ReplicaOptions {
  readonly services: Services;
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
  /** How long a group may be kept closed. */
  readonly pauseMs: number;
}

const processes = 2;

/** Starts them. Rejects with their output. */
export async function openReplicas(options: ReplicaOptions): Promise<Replicas> {
  const { services, report, signal, pauseMs } = options;
  const database = await createRunDatabase(services.postgres.url);
  const ports = new Map<number, number>();
  const tap = await Tap.open({
    name: 'postgres',
    url: database.url,
    report,
    passage: ({ client, server }) => {
      server.once('connect', () => ports.set(server.localPort ?? 0, client.remotePort ?? 0));
      return {
        fromClient: chunk => server.write(chunk),
        fromServer: chunk => client.write(chunk),
        serverEnded: () => {},
      };
    },
  });
  const adminToken = randomBytes(18).toString('hex');
  const variables = {
    ...{ ADMIN_TOKEN: adminToken, ROLLOUTS: '1', STRATEGY: 'row-lock' },
    ...{ PROCESSES: String(processes), LOG_LEVEL: 'warn', ROLLOUT_PAUSE_MS: String(pauseMs) },
  };
  const started: StartedService[] = [];
  for (const databaseUrl of [database.url, tap.url])
    started.push(await startService({ ...options, databaseUrl, strategyFiles: [], variables }));
  const workers = (): readonly number[] =>
    started.flatMap(({ child }) => familyOf(child.pid).filter(pid => isWorker(pid)));
  return {
    urls: started.flatMap(one => one.processes.map(({ url }) => url)),
    ...{ adminToken, tap, databaseUrl: database.url },
    postgres: struckPostgres(services, signal),
    redis: struckRedis(services, services.redis, 'redis', { way: { lead: () => {} }, signal }),
    serving: workers,
    async mover() {
      const port = await moverPort(database.url);
      return port === undefined ? undefined : ownerOf(ports.get(port) ?? port, workers());
    },
    async close() {
      await Promise.all(started.map(({ child }) => child.stop().catch(() => {})));
      await tap.close();
      await database.drop();
    },
  };
}

/** Node's cluster says so in the environment of those that serve. */
function isWorker(pid: number): boolean {
  return textOf(`/proc/${pid}/environ`).includes('NODE_UNIQUE_ID=');
}

async function moverPort(databaseUrl: string): Promise<number | undefined> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {}); // the query reports it
  await client.connect();
  try {
    const { rows } = await client.query<{ port: number }>(
      `select client_port as port from pg_stat_activity
       where datname = current_database() and application_name = 'lockstep rollout'
       order by backend_start limit 1`,
    );
    return rows[0]?.port;
  } finally {
    await client.end();
  }
}

/** The process that has a TCP connection with this local port. */
function ownerOf(port: number, pids: readonly number[]): number | undefined {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = textOf('/proc/net/tcp')
    .split('\n')
    .map(line => line.trim().split(/\s+/));
  const inode = lines.find(([, address = '']) => address.endsWith(local))?.[9];
  return pids.find(pid => socketsOf(pid).includes(`socket:[${inode}]`));
}

function socketsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(fd => linkOf(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // it has ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
