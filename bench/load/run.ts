/** Runs the cells of a load run, one k6 process each, and writes each result when it is complete. */
import { isStrategyPath, loadRegistry, type Registry } from '../../src/engine/registry.ts';
import { untilAborted } from '../../src/explore/run/within.ts';
import {
  findK6,
  type K6,
  type Keeper,
  openKeeper,
  openServices,
  type Services,
  usualK6Places,
} from '../../src/services/index.ts';
import { conditionsOf } from '../lab/conditions.ts';
import { forecast } from '../lab/forecast.ts';
import { openProgress, type Progress } from '../lab/progress.ts';
import { ResourceSampler } from '../lab/resource-sampler.ts';
import { durabilityOf } from '../lab/run-database.ts';
import { assertSame } from '../lab/same-conditions.ts';
import type { Conditions } from '../lab/shapes.ts';
import { openTarget, type Target } from '../lab/target.ts';
import { type BenchRun, newRunFolder, readBench, writeCell } from './files.ts';
import { timeOf } from './forecast.ts';
import { HistoryReader, meetingsOf } from './meetings.ts';
import type { BenchOptions } from './options.ts';
import { type PlannedCell, planOf, serviceRunsOf } from './plan.ts';
import { checkStrategies, remoteTarget, servedBy } from './remote.ts';
import { k6Exit, runK6 } from './run-k6.ts';
import {
  type BenchPlan,
  benchFormat,
  benchVersion,
  type CellResult,
  cellFormat,
} from './schema.ts';

export interface BenchSurroundings {
  readonly options: BenchOptions;
  /** The command line that repeats the run. */
  readonly command: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: Parameters<typeof openProgress>[0];
  readonly signal: AbortSignal;
}

export interface BenchOutcome extends BenchRun {
  readonly folder: string;
  readonly registry: Registry;
}

/**
 * Runs the cells without a result. Throws before anything is measured: `UsageError`, `RegistryError`,
 * `K6Missing`, `TargetUnusable`, or why the servers failed to start. A failure in one cell is recorded
 * in its result, and the others continue.
 */
export async function bench(around: BenchSurroundings): Promise<BenchOutcome> {
  const { environment } = around;
  const { resume } = around.options;
  const before = resume === undefined ? undefined : await readBench(resume);
  const options = asPlanned(await withRemote(around.options), before?.plan);
  const files = options.strategies.filter(isStrategyPath);
  const registry = await loadRegistry(files);
  const planned = before?.plan ?? planOf(registry, options);
  if (options.baseUrl !== undefined)
    await checkStrategies(options.baseUrl, new Set(planned.cells.map(cell => cell.plan.strategy)));
  const done = new Set(before?.cells.filter(isMeasured).map(cell => cell.id));
  const left = planned.cells.filter(({ id }) => !done.has(id));
  const progress = openProgress(around.output, left.length);
  const space = { out: options.resume ?? options.out, startsPostgres: startsPostgres(around) };
  for (const line of await forecast(timeOf(left, options), space)) progress.note(line);
  const keeper = await openKeeper(line => progress.note(line));
  let services: Services | undefined;
  try {
    const k6 = await untilAborted(
      findK6(keeper, usualK6Places(environment), line => progress.note(line)),
      around.signal, // the keeper ends a build that is given up
    );
    progress.note(`k6 ${k6.version} (${k6.origin})`);
    services = options.baseUrl === undefined ? await opened(around, progress) : undefined;
    const conditions = services ? await conditionsHere(services) : null;
    if (before?.plan.conditions && conditions) assertSame(before.plan.conditions, conditions);
    const folder =
      options.resume ?? (await begun({ ...around, options }, { planned, conditions, k6 }));
    progress.note(`Raw data: ${folder}`);
    const run = {
      around: { ...around, options },
      registry,
      progress,
      keeper,
      k6,
      services,
      folder,
      files,
    };
    await runAll(run, left);
    return { ...(await readBench(folder)), folder, registry };
  } finally {
    progress.end();
    await services?.close();
    await keeper.close();
  }
}

/** Without --strategy, a remote service is measured with the strategy it runs. */
async function withRemote(options: BenchOptions): Promise<BenchOptions> {
  if (options.baseUrl === undefined || options.strategies.length > 0) return options;
  return { ...options, strategies: [await servedBy(options.baseUrl)] };
}

/** A resumed run keeps its options, whatever the command line says. */
function asPlanned(options: BenchOptions, plan: BenchPlan | undefined): BenchOptions {
  if (!plan) return options;
  const { ratePerSecond, iterations, durationSeconds, warmUpSeconds, bystandersPerSecond } =
    plan.workload;
  return {
    ...options,
    seed: plan.seed,
    baseUrl: plan.remote ?? undefined,
    rate: ratePerSecond,
    iterations,
    duration: durationSeconds ?? undefined,
    warmUp: warmUpSeconds,
    bystanders: bystandersPerSecond,
  };
}

/** `--resume` repeats cells that could not be measured. */
function isMeasured(cell: CellResult): boolean {
  return cell.problem === '';
}

function startsPostgres({ options, environment }: BenchSurroundings): boolean {
  return options.baseUrl === undefined && !environment.DATABASE_URL;
}

function opened({ environment, signal }: BenchSurroundings, progress: Progress): Promise<Services> {
  const { DATABASE_URL, REDIS_URL, REDIS_NODES } = environment;
  return openServices({
    ...(DATABASE_URL && { databaseUrl: DATABASE_URL }),
    ...(REDIS_URL && { redisUrl: REDIS_URL }),
    ...(REDIS_NODES && { redisNodeUrls: REDIS_NODES.split(',') }),
    redisNodeCount: 3,
    durable: true,
    report: line => progress.note(line),
    signal,
  });
}

interface Begin {
  readonly planned: Pick<BenchPlan, 'cells' | 'notOffered'>;
  /** Null for a remote service. */
  readonly conditions: BenchPlan['conditions'];
  readonly k6: K6;
}

async function conditionsHere(services: Services): Promise<Conditions> {
  const durability = await durabilityOf(services.postgres.url);
  return conditionsOf({ services, durability, settings: { NODE_ENV: 'production' } });
}

async function begun(
  { options, command }: BenchSurroundings,
  { planned, conditions, k6 }: Begin,
): Promise<string> {
  return newRunFolder(options.out, {
    format: benchFormat,
    version: benchVersion,
    startedAt: new Date().toISOString(),
    command,
    seed: options.seed,
    repetitions: options.repetitions,
    workload: {
      ratePerSecond: options.rate,
      iterations: options.iterations,
      durationSeconds: options.duration ?? null,
      warmUpSeconds: options.warmUp,
      bystandersPerSecond: options.bystanders,
    },
    conditions,
    k6: k6.version,
    remote: options.baseUrl ?? null,
    ...planned,
  });
}

interface Running {
  readonly around: BenchSurroundings;
  readonly registry: Registry;
  readonly progress: Progress;
  readonly keeper: Keeper;
  readonly k6: K6;
  readonly services: Services | undefined;
  readonly folder: string;
  readonly files: readonly string[];
}

async function runAll(run: Running, left: readonly PlannedCell[]): Promise<void> {
  const { around, services, files, progress } = run;
  const { options, environment, signal } = around;
  for (const { stack, cells } of serviceRunsOf(left, options.seed)) {
    signal.throwIfAborted();
    const target = services
      ? await openTarget({
          services,
          plan: stack,
          strategyFiles: files,
          history: true,
          environment,
          signal,
        })
      : await remoteTarget(options.baseUrl ?? '', environment);
    const folder = target.inside?.historyFolder;
    const history = folder === undefined ? undefined : new HistoryReader(folder);
    try {
      for (const cell of cells) {
        signal.throwIfAborted();
        progress.step(cell.id);
        const result = await measured(run, { target, history }, cell);
        signal.throwIfAborted(); // an interrupted cell is not a result
        await writeCell(run.folder, result);
        if (result.problem !== '') progress.note(`${cell.id}: ${result.problem}`);
      }
    } finally {
      await target.close();
    }
  }
}

interface Measuring {
  readonly target: Target;
  readonly history: HistoryReader | undefined;
}

async function measured(
  run: Running,
  { target, history }: Measuring,
  cell: PlannedCell,
): Promise<CellResult> {
  const { around, keeper, k6 } = run;
  const { options, signal } = around;
  const startedAt = new Date().toISOString();
  const sampler = await ResourceSampler.open(target);
  try {
    const started = (pid: number): void => sampler.start(pid);
    const { exit, summary } = await runK6({ keeper, k6, target, cell, options, started, signal });
    const { whole, load, usage } = await sampler.stop(cell.plan, summary);
    const commands = Object.values(whole?.commands ?? {}).reduce((sum, one) => sum + one.count, 0);
    const lines = await history?.next(cell.plan, commands, signal);
    const ended = exit.code === 0 || exit.code === k6Exit.thresholds;
    return {
      format: cellFormat,
      version: benchVersion,
      id: cell.id,
      plan: cell.plan,
      repetition: cell.repetition,
      startedAt,
      problem:
        ended && summary ? '' : `k6 exited with ${exit.code ?? exit.signal}: ${lastOf(exit.tail)}`,
      k6: summary ?? null,
      service: whole ? { load: load ?? null, whole } : null,
      usage: usage ?? null,
      meetings: lines ? meetingsOf(lines) : null,
    };
  } finally {
    await sampler.close();
  }
}

/** The message of the last line logged by k6. */
function lastOf(tail: string): string {
  const line = tail.trim().split('\n').at(-1) ?? '';
  return /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? line;
}
