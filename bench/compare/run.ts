/** Runs one comparison, from the registry to the raw data. */

import { setMaxListeners } from 'node:events';
import { readConfig } from '../../src/config.ts';
import { isStrategyPath, loadRegistry } from '../../src/engine/registry.ts';
import { errorMessage } from '../../src/error-message.ts';
import type { Services } from '../../src/services/index.ts';
import { UsageError } from '../lab/command-line.ts';
import { conditionsOf } from '../lab/conditions.ts';
import { forecast, type TimePlan } from '../lab/forecast.ts';
import {
  all,
  budgetMs,
  type Contest,
  cellsOf,
  contestsOf,
  isOffered,
  leftOutOf,
  participantsOf,
  scenariosLeftOut,
} from '../lab/plan.ts';
import { openProgress } from '../lab/progress.ts';
import { assertSame } from '../lab/same-conditions.ts';
import {
  openServers,
  openStack,
  type StackOptions,
  serviceVariables,
  shapingVariables,
} from '../lab/stack.ts';
import { counted } from '../page/format.ts';
import { exploredOf } from './explored.ts';
import { readRun } from './files.ts';
import { type CellLog, Measurement, type MeasureOptions } from './measure.ts';
import {
  commandLine,
  isMainJob,
  mainScenario,
  type Options,
  type Settings,
  settingsOf,
} from './options.ts';
import { cellOf, factsOf, planOf } from './record.ts';
import { finishedCells, optionsOf } from './resume.ts';
import { type Cell, type Run, runFormat, runVersion } from './schema.ts';

export interface CompareOptions {
  readonly options: Options;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: Parameters<typeof openProgress>[0];
  /** Given the run so far, marked incomplete, whenever another scenario has been measured. */
  readonly save: (soFar: Run) => Promise<void>;
  /** Aborted by Ctrl-C: what was measured so far is returned, marked as interrupted. */
  readonly signal: AbortSignal;
}

/**
 * Throws `UsageError`, `RegistryError` and `ConfigError` before anything has started, and the error if
 * the servers or the service fail to start; later errors are recorded in the run's `end`.
 */
export async function compare(given: CompareOptions): Promise<Run> {
  const before = await resumedRun(given.options);
  const { out, json } = given.options;
  const options = before ? optionsOf(before, out, json) : given.options;
  const { environment, signal } = given;
  const startedAt = before?.startedAt ?? new Date().toISOString();
  const startMs = performance.now();
  const { contests, participants, files, leftOut } = await chosen(options);
  const { tuning } = readConfig(serviceVariables(environment));
  const settings = settingsOf(options, tuning);
  const kept = before ? finishedCells(before) : new Map<string, Cell>();
  const isOpen = ({ scenario }: Contest): boolean =>
    ![...kept.values()].some(cell => cell.scenario === scenario.name);
  const logs = contests.filter(isOpen).map(one => cellsOf(one, participants).map(logOf));
  const offered = logs.flat().filter(log => isOffered(log.cell));
  const progress = openProgress(given.output, offered.length * settings.repetitions + logs.length);
  const report = (line: string): void => progress.note(line);
  const { processes } = settings;
  const space = { out: options.out, startsPostgres: !environment.DATABASE_URL };
  for (const line of await forecast(timeOf(logs, settings), space)) report(line);
  const services = await openServers({ environment, report, signal });
  try {
    const stackOptions = { environment, processes, strategyFiles: files, report, signal };
    const runOf = (end: Measured, explored: Run['explored']): Run => ({
      format: runFormat,
      version: runVersion,
      ...end,
      startedAt,
      seconds: (before?.seconds ?? 0) + (performance.now() - startMs) / 1_000,
      command: before?.command ?? commandLine(options, shapingVariables(environment)),
      plan: planOf(settings, contests),
      strategies: participants.map(factsOf),
      leftOut,
      cells: [...kept.values(), ...logs.flat().map(log => cellOf(log, processes))],
      explored,
    });
    const left = { end: 'interrupted', incomplete: true } as const;
    const save = (soFar: Measured): Promise<void> => given.save(runOf({ ...soFar, ...left }, []));
    const all = { services, stackOptions, settings, progress, signal, before, save };
    const ended = await allMeasured(all, logs);
    const explored = ended.incomplete || contests.length > 1 ? [] : await orders(all, offered);
    // interrupted while exploring: the measurements are complete and audited
    return runOf({ ...ended, ...(signal.aborted && { end: 'interrupted' as const }) }, explored);
  } finally {
    progress.end();
    await services.close();
  }
}

/** Rounds that are asked for take as long as they take; otherwise the run has a budget. */
function timeOf(logs: readonly (readonly CellLog[])[], settings: Settings): TimePlan {
  const mainJob = isMainJob(settings);
  const cells = logs.flat().filter(log => isOffered(log.cell)).length;
  const loadMs = logs.reduce((sum, { length }) => sum + budgetMs(mainJob, length), 0);
  const explore = logs.length === 1 ? settings.exploreSeconds : 0;
  return {
    work: `${counted(cells, 'cell')}, ${counted(settings.repetitions, 'repetition')}`,
    ...(settings.roundsAsked === undefined && { aboutSeconds: loadMs / 1_000 + explore }),
    besides: `${counted(logs.length, 'start')} of the service and the audit`,
  };
}

async function resumedRun({ resume }: Options): Promise<Run | undefined> {
  if (resume === undefined) return undefined;
  const run = await readRun(resume);
  if (!run.incomplete) throw new UsageError(`${resume} is complete: nothing to resume`);
  return run;
}

/** Selects scenarios and strategies from the registry. */
async function chosen(options: Options) {
  const files = options.strategies.filter(isStrategyPath);
  const registry = await loadRegistry(files);
  const mainJob = isMainJob(options);
  const names = mainJob ? [mainScenario] : options.scenarios;
  const contests = contestsOf(registry, names, options.variants);
  const asked = mainJob || options.strategies.length > 0 ? options.strategies : [all];
  const leftOut = leftOutOf(registry, asked);
  if (mainJob) leftOut.push(...scenariosLeftOut(registry, contests));
  return { contests, participants: participantsOf(registry, asked), files, leftOut };
}

/** Explores the orders of two callers, for one scenario; for a whole matrix there is no time. */
function orders({ services, stackOptions, settings }: AllOptions, cells: readonly CellLog[]) {
  const { strategyFiles, report, signal } = stackOptions;
  return exploredOf({ services, cells, settings, strategyFiles, report, signal });
}

interface AllOptions extends Pick<MeasureOptions, 'settings' | 'progress' | 'signal'> {
  readonly services: Services;
  readonly stackOptions: StackOptions;
  /** The run being resumed. */
  readonly before: Run | undefined;
  readonly save: (soFar: Measured) => Promise<void>;
}

type Measured = End & Pick<Run, 'conditions'>;

/**
 * One scenario after another, each with its own service and database: a metrics page shared by all
 * cells would grow with every one of them.
 */
async function allMeasured(options: AllOptions, contests: readonly CellLog[][]): Promise<Measured> {
  const { services, stackOptions, before, save: _, ...rest } = options;
  let sofar: Measured | undefined;
  for (const logs of contests) {
    const [first] = logs;
    if (!first) continue;
    try {
      const stack = await openStack(services, stackOptions);
      try {
        const conditions = sofar?.conditions ?? (await conditionsOf(stack));
        if (before) assertSame(before.conditions, conditions);
        const offered = logs.filter(log => isOffered(log.cell));
        const { scenario } = first.cell;
        sofar = { conditions, ...(await measured({ stack, scenario, ...rest }, offered)) };
      } finally {
        await stack.close();
      }
    } catch (error) {
      if (!sofar) throw error; // nothing was measured yet
      sofar = { ...sofar, ...endOf(error, rest.signal) };
    }
    if (sofar.incomplete) break;
    await options.save(sofar);
  }
  if (!sofar) throw new UsageError('nothing to compare');
  return sofar;
}

function logOf(cell: CellLog['cell']): CellLog {
  const claims = { warmUp: [], contested: [], alone: [], busy: [] };
  const asked = { contestedKeys: [], endedMs: 0, asked: null };
  return { cell, warmUp: [], repetitions: [], claims, audit: null, ...asked };
}

type End = Pick<Run, 'end' | 'incomplete' | 'brokenOff'>;

/** Measures until the end, an interruption, or an error that makes the rest worthless. */
async function measured(options: MeasureOptions, logs: readonly CellLog[]): Promise<End> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  setMaxListeners(0, signal); // one listener per command in flight, which are bounded
  const measurement = new Measurement({ ...options, signal });
  try {
    await Promise.race([measurement.run(logs), options.stack.ended, abortOf(signal)]);
    return { end: 'complete', incomplete: false, brokenOff: '' };
  } catch (error) {
    stop.abort(error);
    return endOf(error, options.signal);
  } finally {
    await measurement.close();
  }
}

function endOf(error: unknown, interruption: AbortSignal): End {
  if (interruption.aborted) return { end: 'interrupted', incomplete: true, brokenOff: '' };
  const brokenOff = errorMessage(error);
  return { end: 'broken off', incomplete: true, brokenOff };
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
