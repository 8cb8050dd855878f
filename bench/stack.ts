/** What a run measures: the servers, and on them the service in n processes with its own database. */
import { delimiter, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Child, openServices, type Services } from '../src/services/index.ts';
import {
  createRunDatabase,
  durabilityOf,
  type RunDatabase,
  sweepRunDatabases,
} from './run-database.ts';

export interface ServersOptions {
  /** Variables of the environment that are handed on to the service, and say which servers to use. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface StackOptions extends ServersOptions {
  readonly processes: number;
  /** Absolute paths of strategies from outside. */
  readonly strategyFiles: readonly string[];
}

export interface Stack {
  readonly services: Services;
  readonly databaseUrl: string;
  /** As `show` told them. */
  readonly durability: Readonly<Record<string, string>>;
  /** The single processes, in the order of their numbers. */
  readonly processUrls: readonly string[];
  /** How the service was configured, without addresses and secrets. */
  readonly settings: Readonly<Record<string, string>>;
  /** Rejects when the service ends before it was asked to. */
  readonly ended: Promise<never>;
  /** Ends the service and removes the database; at most about 30 s. Idempotent. */
  close(): Promise<void>;
}

const readyMs = 60_000; // seconds, but for a machine that has much else to do
const handedOn = [
  'DATABASE_POOLER',
  'DATABASE_CONNECTIONS',
  'LOCK_CONNECTIONS',
  'WAIT_MS',
  'LEASE_MS',
  'EXTEND_LEASE',
  'ATTEMPTS_MAX',
] as const;

const servers = ['DATABASE_URL', 'REDIS_URL', 'REDIS_NODES'] as const;

/** The variables that a run reads, for checking them before anything starts. */
export function serviceVariables(
  environment: StackOptions['environment'],
): Record<string, string | undefined> {
  return Object.fromEntries([...servers, ...handedOn].map(name => [name, environment[name]]));
}

/**
 * Finds or starts Postgres and Redis, for all stacks of a run. On a server that is not ours it
 * removes what runs left behind that were killed.
 */
export async function openServers({
  environment,
  report,
  signal,
}: ServersOptions): Promise<Services> {
  const services = await openServices({
    ...given('databaseUrl', environment.DATABASE_URL),
    ...given('redisUrl', environment.REDIS_URL),
    ...(environment.REDIS_NODES && { redisNodeUrls: environment.REDIS_NODES.split(',') }),
    redisNodeCount: 3,
    durable: true,
    report,
    signal,
  });
  if (isForeign(services))
    for (const name of await sweepRunDatabases(services.postgres.url))
      report(`Removed ${name}, which an earlier run had left behind`);
  return services;
}

/** A server that was started here takes its databases with it. */
function isForeign(services: Services): boolean {
  return services.postgres.pid === undefined;
}

/**
 * Opens the service on a database of its own. Rejects with a message that says what to do, and
 * leaves nothing behind then; the servers stay with the caller.
 */
export async function openStack(services: Services, options: StackOptions): Promise<Stack> {
  const { report, signal } = options;
  let database: RunDatabase | undefined;
  try {
    database = await createRunDatabase(services.postgres.url);
    const service = await startService(services, database.url, options);
    const durability = await durabilityOf(database.url);
    const hosts = service.processUrls.map(url => new URL(url).host);
    report(
      `The service, ${hosts.length} ${hosts.length === 1 ? 'process' : 'processes'} at ${hosts.join(', ')}`,
    );
    const close = once(() => closeAll(services, service.child, database));
    return { services, databaseUrl: database.url, durability, ...service, close };
  } catch (error) {
    await closeAll(services, undefined, database);
    signal.throwIfAborted();
    throw error;
  }
}

function given<K extends string>(name: K, value: string | undefined): { [N in K]?: string } {
  const made: { [N in K]?: string } = {};
  if (value) made[name] = value;
  return made;
}

const readyLine = z.object({
  msg: z.literal('ready'),
  url: z.string(),
  processes: z.array(z.object({ pid: z.number(), url: z.string() })),
});

interface Service extends Pick<Stack, 'processUrls' | 'settings' | 'ended'> {
  readonly child: Child;
}

async function startService(
  services: Services,
  databaseUrl: string,
  { environment, processes, strategyFiles, signal }: StackOptions,
): Promise<Service> {
  const settings = settingsOf(environment, processes);
  let processUrls: readonly string[] = [];
  const child = await services.keeper.start(
    {
      name: 'the service',
      role: 'client',
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), entry()],
      env: {
        ...inherited(environment),
        ...settings,
        DATABASE_URL: databaseUrl,
        REDIS_URL: services.redis.url,
        REDIS_NODES: services.redisNodes.map(node => node.url).join(','),
        HOST: '127.0.0.1',
        PORT: '0',
        STRATEGY_FILES: strategyFiles.join(delimiter),
      },
    },
    {
      onLine: line => {
        const read = readyLine.safeParse(parsed(line));
        if (read.success) processUrls = read.data.processes.map(({ url }) => url);
      },
      ready: async () => {
        signal.throwIfAborted();
        return processUrls.length > 0;
      },
      readyMs,
    },
  );
  if (processUrls.length !== processes)
    throw new Error(`the service has ${processUrls.length} processes instead of ${processes}`);
  return { child, processUrls, settings, ended: endOf(child) };
}

function settingsOf(
  environment: StackOptions['environment'],
  processes: number,
): Record<string, string> {
  return {
    PROCESSES: String(processes),
    ALLOW_STRATEGY_HEADER: '1',
    LOG_LEVEL: 'warn',
    NODE_ENV: 'production',
    ...variablesSet(environment),
  };
}

/** The variables that shape the service, as far as they are set. */
export function variablesSet(environment: StackOptions['environment']): Record<string, string> {
  return Object.fromEntries(
    handedOn.flatMap(name => (environment[name] ? [[name, environment[name]]] : [])),
  );
}

/** What a Node process needs of its surroundings; nothing else reaches the service. */
function inherited(environment: StackOptions['environment']): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'NODE_EXTRA_CA_CERTS'];
  return Object.fromEntries(
    names.flatMap(name => (environment[name] ? [[name, environment[name]]] : [])),
  );
}

/** The service beside this file: the sources, or what was compiled from them. */
function entry(): string {
  return fileURLToPath(new URL(`../src/main${extname(import.meta.url)}`, import.meta.url));
}

function endOf(child: Child): Promise<never> {
  const ended = child.exited.then(exit => {
    const how = exit.signal ?? `code ${exit.code}`;
    throw new Error(`the service ended (${how}); the last it printed:\n${exit.tail}`);
  });
  ended.catch(() => {}); // whoever measures races against it
  return ended;
}

async function closeAll(
  services: Services,
  service: Child | undefined,
  database: RunDatabase | undefined,
): Promise<void> {
  await service?.stop().catch(() => {}); // a keeper that is gone has ended it too
  if (isForeign(services)) await database?.drop();
  else await database?.release();
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
