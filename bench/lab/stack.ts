/** What a run measures: the servers, and on them the service in n processes with its own database. */
import { type Child, openServices, type Services } from '../../src/services/index.ts';
import {
  createRunDatabase,
  durabilityOf,
  type RunDatabase,
  sweepRunDatabases,
} from './run-database.ts';
import { type Environment, startService, variablesSet } from './service.ts';

export interface ServersOptions {
  /** Variables of the environment that are handed on to the service, and say which servers to use. */
  readonly environment: Environment;
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
export function serviceVariables(environment: Environment): Record<string, string | undefined> {
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
    const service = await serviceOn(services, database.url, options);
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
    throw new Error(`the service has ${processUrls.length} processes instead of ${processes}`);
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

/** The variables that shape the service, as far as they are set. */
export function shapingVariables(environment: Environment): Record<string, string> {
  return variablesSet(environment, handedOn);
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
