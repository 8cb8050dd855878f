/** `npm start`: reads the configuration, opens the stores, and serves in PROCESSES processes. */
import cluster from 'node:cluster';
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import type { Logger } from 'pino';
import { type Config, ConfigError, readConfig, strategyFilesOf } from './config.ts';
import { redisNeedsOf, type Strategy } from './contract/index.ts';
import { idempotencySchema } from './engine/idempotency.ts';
import { loadRegistry, type Registry, RegistryError } from './engine/registry.ts';
import { errorMessage } from './error-message.ts';
import { deploymentProblems } from './http/deployment.ts';
import { hazardWarning, mustProve } from './http/fleet-watch.ts';
import { lockStoreProblems, type NamedStore } from './http/lock-store-check.ts';
import { createLog, outageLog } from './http/log.ts';
import { openFilesProblem } from './http/open-files.ts';
import { Primary, urlOf } from './http/processes/primary.ts';
import { Stop } from './http/processes/stop.ts';
import { Worker } from './http/processes/worker.ts';
import { addGates, anyAssigned, assignmentSchema } from './rollout/assignment-schema.ts';
import { fleetSchema } from './rollout/fleet.ts';
import { strategyNamed } from './rollout/named.ts';
import { rolloutSchema } from './rollout/rollout-schema.ts';
import { openServices, type Services } from './services/index.ts';
import { MigrationError, migrate } from './store/migrate.ts';
import { isPooled } from './store/pooler-check.ts';
import { postgresPlace } from './store/postgres-url.ts';
import { redisFindings } from './store/redis.ts';
import { tlsAdvice } from './store/refusals.ts';
import { historyProblem } from './telemetry/history.ts';
import { Meter } from './telemetry/prometheus.ts';
import { openTraces, traceProblems } from './telemetry/traces.ts';
import { violationsSchema } from './telemetry/violations.ts';

const misconfigured = 2;

if (cluster.isPrimary) await runPrimary();
else await runWorker();

async function runWorker(): Promise<void> {
  const config = readConfig(process.env);
  const registry = await loadRegistry(config.strategyFiles);
  const log = createLog(config);
  const outage = outageLog(log);
  const tracer = await openTraces(process.env, error => outage('The receiver of traces', error));
  await new Worker(config, registry, log, tracer).start();
}

async function runPrimary(): Promise<void> {
  const { config, registry } = await checked();
  const stop = new Stop();
  const services = await openedServices(config, stop);
  stop.before(() => services?.close());
  const environment = environmentOf(config, services);
  const databaseUrl = environment.DATABASE_URL ?? config.databaseUrl ?? '';
  const assigned = await migrated(databaseUrl, registry, stop);
  if (assigned && !config.rollouts) await stop.fail(mustProve);
  if (!config.pooler && (await isPooled(databaseUrl)))
    await stop.fail(
      `Postgres at ${postgresPlace(databaseUrl)} is behind a pooler that shares connections, where settings of ` +
        'a session and its locks are not kept: set DATABASE_POOLER=transaction, or give its own address.',
    );
  const found = strategyNamed(registry, config.strategy);
  const log = createLog({ ...config, databaseUrl });
  const meter = new Meter('service', { runtime: false });
  const version = await ownVersion();
  const info = { version, node: process.versions.node, strategy: config.strategy };
  meter.set('lockstep_build_info', info, 1);
  const primary = new Primary({ config, environment, log, meter });
  stop.before(patient => primary.stop(patient ? config.lameDuckMs : 0));
  stop.atOnce(() => primary.kill());
  const hazard = 'strategy' in found ? hazardWarning(found.strategy) : undefined;
  if (hazard !== undefined) log.warn(hazard);
  const strategy = 'strategy' in found ? found.strategy.declared : undefined;
  const unusable = await unusableRedis(log, redisUrlsOf(config, environment, strategy));
  if (unusable !== undefined) await stop.fail(unusable);
  const stores = lockStoresOf(config, environment);
  const refused = strategy ? await lockStoreProblems(config, stores, strategy) : [];
  if (refused.length > 0) await stop.fail(refused.join('\n'));
  const processes = await primary
    .start()
    .catch(error => stop.fail(`A process cannot start: ${errorMessage(error)}.`));
  const url = urlOf(config.host, primary.sharedPort);
  primary.watch();
  print({ level: 30, time: Date.now(), pid: process.pid, msg: 'ready', url, processes });
}

/** Loads configuration and registry; prints all problems of either and exits if there are any. */
async function checked(): Promise<{ readonly config: Config; readonly registry: Registry }> {
  const problems: string[] = [];
  const collect = (error: unknown): undefined => {
    if (!(error instanceof ConfigError || error instanceof RegistryError)) throw error;
    problems.push(...error.problems);
  };
  let config: Config | undefined;
  try {
    config = readConfig(process.env);
  } catch (error) {
    collect(error);
  }
  const registry = await loadRegistry(strategyFilesOf(process.env)).catch(collect);
  if (config && registry) problems.push(...deploymentProblems(config, registry));
  problems.push(...[historyProblem(config?.commandHistory) ?? []].flat());
  problems.push(...traceProblems(process.env));
  problems.push(...[(config && openFilesProblem(config)) ?? []].flat());
  if (config && registry && problems.length === 0) return { config, registry };
  console.error('The service cannot start:');
  for (const problem of problems) console.error(`- ${problem}`);
  process.exit(misconfigured);
}

async function openedServices(config: Config, stop: Stop): Promise<Services | undefined> {
  if (config.databaseUrl !== undefined) return undefined;
  const { redisUrl, redisNodeUrls } = config;
  return openServices({
    ...(redisUrl !== undefined && { redisUrl }),
    redisNodeUrls,
    redisNodeCount: 3,
    durable: true,
    signal: stop.signal,
    report: line => print({ level: 30, time: Date.now(), pid: process.pid, msg: line }),
  }).catch(error => stop.fail(errorMessage(error)));
}

/** Tells the workers about servers that were started here. */
function environmentOf(
  config: Config,
  services: Services | undefined,
): Readonly<Record<string, string>> {
  if (!services) return {};
  const nodes = services.redisNodes.map(node => node.url);
  return {
    DATABASE_URL: services.postgres.url,
    REDIS_URL: config.redisUrl ?? services.redis.url,
    ...(nodes.length > 0 && { REDIS_NODES: nodes.join(',') }),
  };
}

/** Whether a rollout has assigned keys on this database. */
async function migrated(databaseUrl: string, registry: Registry, stop: Stop): Promise<boolean> {
  const schemas = [
    ...registry.scenarios.values(),
    violationsSchema,
    idempotencySchema,
    fleetSchema,
    assignmentSchema,
    rolloutSchema,
  ];
  const places = [...registry.scenarios.values()].flatMap(({ name: scenario, registered }) =>
    Object.keys(registered.variants).map(variant => ({ scenario, variant })),
  );
  let assigned = false;
  const last = async (client: pg.ClientBase): Promise<void> => {
    await addGates(client, places);
    assigned = await anyAssigned(client);
  };
  await migrate(databaseUrl, schemas, last).catch(error =>
    stop.fail(
      error instanceof MigrationError
        ? `The schema at ${postgresPlace(databaseUrl)} cannot be migrated: ${error.message}`
        : `Postgres at ${postgresPlace(databaseUrl)} cannot be used: ` +
            `${tlsAdvice(error, 'sslrootcert=/path/ca.pem in DATABASE_URL') ?? errorMessage(error)}. It must be running ` +
            'and accept this user before the service starts; DATABASE_URL sets its address.',
    ),
  );
  return assigned;
}

/** Every Redis that may hold locks of this service. */
function lockStoresOf(
  config: Config,
  { REDIS_URL = config.redisUrl, REDIS_NODES }: Readonly<Record<string, string>>,
): readonly NamedStore[] {
  const nodes = REDIS_NODES?.split(',') ?? config.redisNodeUrls;
  const one = REDIS_URL ? [{ variable: 'REDIS_URL', url: REDIS_URL } as const] : [];
  return [...one, ...nodes.map(url => ({ variable: 'REDIS_NODES', url }) as const)];
}

interface RedisUrls {
  /** Every Redis that may hold locks of this service. */
  readonly all: readonly string[];
  /** Those that STRATEGY takes its locks from. */
  readonly needed: readonly string[];
}

function redisUrlsOf(
  config: Config,
  { REDIS_URL = config.redisUrl, REDIS_NODES }: Readonly<Record<string, string>>,
  strategy: Strategy | undefined,
): RedisUrls {
  const one = REDIS_URL ? [REDIS_URL] : [];
  const nodes = REDIS_NODES?.split(',') ?? config.redisNodeUrls;
  const need = strategy && redisNeedsOf(strategy);
  return {
    all: [...new Set([...one, ...nodes])],
    needed: [...(need?.one ? one : []), ...(need?.several ? nodes : [])],
  };
}

/** Logs what is wrong with a Redis; returns why the service cannot start with one that it needs. */
async function unusableRedis(log: Logger, { all, needed }: RedisUrls): Promise<string | undefined> {
  const problems: string[] = [];
  for (const { url, warning, problem } of await redisFindings(all)) {
    if (warning !== undefined) log.warn(warning);
    if (problem === undefined) continue;
    if (needed.includes(url)) problems.push(`${problem}.`);
    else log.warn(problem);
  }
  return problems.length > 0 ? problems.join('\n') : undefined;
}

/** The version in our package.json, whether running compiled or from source. */
async function ownVersion(): Promise<string> {
  for (const above of ['../package.json', '../../package.json']) {
    const text = await readFile(new URL(above, import.meta.url), 'utf8').catch(() => undefined);
    const found: unknown = text && JSON.parse(text);
    if (typeof found === 'object' && found !== null && 'version' in found)
      return String(found.version);
  }
  return 'unknown';
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
