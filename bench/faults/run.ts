/** Runs the cells of `faults`, from the registry to the raw data. */
import { setMaxListeners } from 'node:events';
import { isStrategyPath } from '../../src/engine/registry.ts';
import { errorMessage } from '../../src/error-message.ts';
import { argumentsIn, UsageError } from '../lab/command-line.ts';
import { forecast } from '../lab/forecast.ts';
import { openProgress, type Progress } from '../lab/progress.ts';
import type { Environment } from '../lab/service.ts';
import { counted } from '../page/format.ts';
import { strikeCell } from './cell.ts';
import type { NamedFault } from './fault.ts';
import { type FaultsFolder, readFaults } from './files.ts';
import type { Operation } from './history.ts';
import { commandLine, type FaultsOptions, readFaultsOptions } from './options.ts';
import type { Planned } from './plan.ts';
import { type Plan, planOf } from './planned-run.ts';
import { Rig } from './rig.ts';
import { type FaultCell, type FaultsRun, faultsFormat, faultsVersion } from './schema.ts';
import { cellName } from './verdict.ts';

export interface FaultsGiven {
  readonly options: FaultsOptions;
  readonly environment: Environment;
  readonly output: Parameters<typeof openProgress>[0];
  readonly folder: FaultsFolder;
  readonly signal: AbortSignal;
}

/** A cell takes about so long: calm, strike, heal and audit. */
const cellSeconds = { fixed: 3, leases: 1.7 } as const;
/** So many cells that break off one after the other end the run: something is broken for good. */
const brokenMax = 3;

/**
 * Throws `UsageError` and `RegistryError` before anything has started, and the error if the servers or
 * the service fail to start; later errors are recorded in the run's `end`.
 */
export async function runFaults(given: FaultsGiven): Promise<FaultsRun> {
  const { environment, output, folder, signal } = given;
  setMaxListeners(0, signal); // one listener per command in flight, which are bounded
  const before = await resumedRun(given.options);
  const { out } = given.options;
  const options = before
    ? { ...readFaultsOptions(argumentsIn(before.command)), out }
    : given.options;
  const plan = await planOf(options);
  const kept = (before?.cells ?? []).filter(({ state }) => state !== 'broken off');
  const done = new Set(kept.map(cellName));
  const left = plan.cells.filter(one => !done.has(nameOf(one)));
  const struck = left.filter(one => one.notOffered === undefined);
  const progress = openProgress(output, struck.length);
  const report = (line: string): void => progress.note(line);
  await tellForecast(options, struck.length, report);
  const { times } = plan;
  const strategyFiles = options.strategies.filter(isStrategyPath);
  const rig = await Rig.open({ environment, strategyFiles, times, report: quiet(report), signal });
  try {
    if (before && before.conditions.commit !== rig.conditions.commit)
      throw new UsageError('cannot resume the run: it was made by another commit');
    const startMs = performance.now();
    const cells: FaultCell[] = [...kept];
    const runOf = (end: FaultsRun['end'], brokenOff = ''): FaultsRun => ({
      format: faultsFormat,
      version: faultsVersion,
      end,
      brokenOff,
      startedAt: before?.startedAt ?? plan.startedAt,
      seconds: (before?.seconds ?? 0) + (performance.now() - startMs) / 1_000,
      command: before?.command ?? commandLine(options),
      scenario: options.scenario,
      variant: options.variant,
      seed: options.seed,
      times,
      conditions: rig.conditions,
      faults: plan.faults.map(factsOf),
      strategies: strategiesIn(plan.cells),
      cells,
    });
    const keep = (planned: Planned, history: readonly Operation[]): Promise<void> =>
      folder.keep(runOf('interrupted'), headOf(planned), history);
    const work = { rig, plan, options, progress, signal, keep };
    try {
      for (const planned of left) {
        cells.push(await cellRun(work, planned));
        await folder.save(runOf('interrupted'));
        const last = cells.slice(-brokenMax);
        if (last.length === brokenMax && last.every(({ state }) => state === 'broken off'))
          throw new Error(`${brokenMax} cells in a row broke off: ${last[0]?.because}`);
      }
    } catch (error) {
      return signal.aborted ? runOf('interrupted') : runOf('broken off', errorMessage(error));
    }
    return runOf('complete');
  } finally {
    progress.end();
    await rig.close();
  }
}

async function resumedRun({ resume }: FaultsOptions): Promise<FaultsRun | undefined> {
  if (resume === undefined) return undefined;
  const run = await readFaults(resume);
  if (run.end === 'complete') throw new UsageError(`${resume} is complete: nothing to resume`);
  return run;
}

/** A server that a fault kills is no news. */
const quiet = (report: (line: string) => void) => (line: string) => {
  if (!/unexpectedly/.test(line)) report(line);
};

async function tellForecast(
  { leaseMs, out }: FaultsOptions,
  cells: number,
  report: (line: string) => void,
): Promise<void> {
  const eachSeconds = cellSeconds.fixed + (cellSeconds.leases * leaseMs) / 1_000;
  const time = {
    work: counted(cells, 'cell'),
    aboutSeconds: cells * eachSeconds,
    besides: 'the start of the servers and of the service',
  };
  for (const line of await forecast(time, { out, startsPostgres: true })) report(line);
}

interface Work {
  readonly rig: Rig;
  readonly plan: Plan;
  readonly options: FaultsOptions;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly keep: (planned: Planned, history: readonly Operation[]) => Promise<void>;
}

/** What a cell has that was not struck. */
export const unstruck = { marks: null, judged: null, audit: null, strip: null, wire: [] };

async function cellRun(work: Work, planned: Planned): Promise<FaultCell> {
  const head = headOf(planned);
  if (planned.notOffered !== undefined)
    return { ...head, ...unstruck, state: 'not offered', because: planned.notOffered, seconds: 0 };
  const missing = await missingFor(planned.fault);
  if (missing !== undefined)
    return { ...head, ...unstruck, state: 'skipped', because: missing, seconds: 0 };
  work.progress.step(nameOf(planned));
  const startMs = performance.now();
  const seconds = (): number => (performance.now() - startMs) / 1_000;
  try {
    const { history, ...part } = await Promise.race([struckIn(work, planned), work.rig.ended]);
    await work.keep(planned, history);
    return { ...head, ...part, seconds: seconds() };
  } catch (error) {
    work.signal.throwIfAborted();
    const because = errorMessage(error);
    return { ...head, ...unstruck, state: 'broken off', because, seconds: seconds() };
  }
}

async function struckIn({ rig, plan, options, signal }: Work, planned: Planned) {
  await Promise.all(rig.workers.map(worker => worker.back())); // whoever was killed before
  const { fault, phase, strategy } = planned;
  const { scenario, times } = plan;
  const { variant, seed } = options;
  return strikeCell(rig, { fault, phase, strategy, scenario, variant, seed, times }, signal);
}

/** What a fault needs and this machine lacks, with the way to get it. */
export async function missingFor({ needs }: NamedFault): Promise<string | undefined> {
  for (const need of needs)
    if (!(await need.found())) return `${need.what} is missing here: ${need.install}`;
  return undefined;
}

export function headOf({ fault, strategy, notOffered: _, ...facts }: Planned) {
  return { ...facts, fault: fault.name, strategy: strategy.name };
}

export const nameOf = (planned: Planned): string => cellName(headOf(planned));

export function factsOf({ name, title, strikes, events, harm, phases }: NamedFault) {
  return { name, title, strikes, events: [...events], harm, phases: [...phases] };
}

function strategiesIn(cells: readonly Planned[]): FaultsRun['strategies'] {
  const all = new Map(cells.map(({ strategy }) => [strategy.name, strategy.declared]));
  return [...all]
    .map(([name, { title, hazard }]) => ({ name, title, hazard: hazard !== undefined }))
    .sort((a, b) => Number(a.hazard) - Number(b.hazard) || a.name.localeCompare(b.name));
}
