/** What a run measures: the servers, and the service in n processes on a database of its own. */
import { type Child, openServices, type Services } from '../../src/services/index.ts';
import {
  createRunDatabase,
  durabilityOf,
  type RunDatabase,
  sweepRunDatabases,
} from './run-database.ts';
import { type Environment, startService, variablesSet } from './service.ts';

export interface ServersOptions {
  /** The caller's environment: names the servers to use; some variables are passed to the service. */
  readonly environment: Environment;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface StackOptions extends ServersOptions {
  readonly processes: number;
  /** Absolute paths of the user's strategy files. */
  readonly strategyFiles: readonly string[];
}

export interface Stack {
  readonly services: Services;
  readonly databaseUrl: string;
  /** As reported by `show`. */
  readonly durability: Readonly<Record<string, string>>;
  /** One address per process, in the order of their numbers. */
  readonly processUrls: readonly string[];
  /** How the service was configured, without addresses and secrets. */
  readonly settings: Readonly<Record<string, string>>;
  /** Rejects if the service exits before `close`. */
  readonly ended: Promise<never>;
  /** Stops the service and removes the database; at most about 30 s. Idempotent. */
  close(): Promise<void>;
}

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

/** The variables that a run reads, to check them before anything starts. */
export function serviceVariables(environment: Environment): Record<string, string | undefined> {
  return Object.fromEntries([...servers, ...handedOn].map(name => [name, environment[name]]));
}

/**
 * Finds or starts Postgres and Redis, for all stacks of a run. On a server that it did not start, it
 * drops databases left behind by killed runs.
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
      report(`Removed database ${name}, left behind by an earlier run`);
  return services;
}

/** A server that this run started takes its databases with it. */
function isForeign(services: Services): boolean {
  return services.postgres.pid === undefined;
}

/**
 * Starts the service on a database of its own. Rejects with a message that says what to do, and then
 * leaves nothing behind; the servers remain the caller's.
 */
export async function openStack(services: Services, options: StackOptions): Promise<Stack> {
  const { report, signal } = options;
  let database: RunDatabase | undefined;
  try {
    database = await createRunDatabase(services.postgres.url);
    const service = await serviceOn(services, database.url, options);
    const durability = await durabilityOf(database.url);
    const hosts = service.processUrls.map(url => new URL(url).host);
    report(
      `Service: ${hosts.length} ${hosts.length === 1 ? 'process' : 'processes'} at ${hosts.join(', ')}`,
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

interface Service extends Pick<Stack, 'processUrls' | 'settings' | 'ended'> {
  readonly child: Child;
}

async function serviceOn(
  services: Services,
  databaseUrl: string,
  options: StackOptions,
): Promise<Service> {
  const { environment, processes } = options;
  const settings = settingsOf(environment, processes);
  const started = await startService({ ...options, services, databaseUrl, variables: settings });
  const processUrls = started.processes.map(({ url }) => url);
  if (processUrls.length !== processes)
    throw new Error(`the service started ${processUrls.length} of ${processes} processes`);
  return { child: started.child, processUrls, settings, ended: endOf(started.child) };
}

function settingsOf(environment: Environment, processes: number): Record<string, string> {
  return {
    PROCESSES: String(processes),
    ALLOW_STRATEGY_HEADER: '1',
    LOG_LEVEL: 'warn',
    NODE_ENV: 'production',
    ...shapingVariables(environment),
  };
}

/** The variables that configure the service, if set. */
export function shapingVariables(environment: Environment): Record<string, string> {
  return variablesSet(environment, handedOn);
}

function endOf(child: Child): Promise<never> {
  const ended = child.exited.then(exit => {
    const how = exit.signal ?? `code ${exit.code}`;
    throw new Error(`the service exited (${how}); its last output:\n${exit.tail}`);
  });
  ended.catch(() => {}); // measurements race against it
  return ended;
}

async function closeAll(
  services: Services,
  service: Child | undefined,
  database: RunDatabase | undefined,
): Promise<void> {
  await service?.stop().catch(() => {}); // if the keeper is gone, so is the service
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
