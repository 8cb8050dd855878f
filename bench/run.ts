/** One comparison, from the registry to the raw data. */
import { setMaxListeners } from 'node:events';
import { readConfig } from '../src/config.ts';
import { isStrategyPath, loadRegistry } from '../src/engine/registry.ts';
import { conditionsOf } from './conditions.ts';
import { exploredOf } from './exploration/compared.ts';
import { type CellLog, Measurement, type MeasureOptions } from './measure.ts';
import { commandLine, type Options, settingsOf } from './options.ts';
import { cellsOf, isOffered, leftOutOf, participantsOf, scenarioOf } from './plan.ts';
import { openProgress } from './progress.ts';
import { cellOf, factsOf, planOf } from './record.ts';
import { type Run, runFormat, runVersion } from './results/schema.ts';
import { openStack, serviceVariables, variablesSet } from './stack.ts';

export interface CompareOptions {
  readonly options: Options;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: Parameters<typeof openProgress>[0];
  /** Aborted by Ctrl-C: what was measured until then is returned, marked as interrupted. */
  readonly signal: AbortSignal;
}

/**
 * Runs it. Throws `UsageError`, `RegistryError` and `ConfigError` before anything has started, and
 * what kept the servers or the service from starting; what goes wrong later is in the run's `end`.
 */
export async function compare(given: CompareOptions): Promise<Run> {
  const { options, environment, signal } = given;
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const files = options.strategies.filter(isStrategyPath);
  const registry = await loadRegistry(files);
  const scenario = scenarioOf(registry, options.scenario);
  const participants = participantsOf(registry, options.strategies);
  const { tuning } = readConfig(serviceVariables(environment));
  const settings = settingsOf(options, tuning.waitMs);
  const logs = cellsOf(scenario, participants).map(logOf);
  const offered = logs.filter(log => isOffered(scenario, log.cell));
  const progress = openProgress(given.output, offered.length * settings.repetitions + 1);
  const report = (line: string): void => progress.note(line);
  const { processes } = settings;
  const base = { environment, scenario, processes, strategyFiles: files, report, signal };
  const stack = await openStack(base);
  try {
    const conditions = await conditionsOf(stack);
    const end = await measured({ stack, scenario, settings, progress, signal }, offered);
    return {
      format: runFormat,
      version: runVersion,
      ...end,
      startedAt,
      seconds: (performance.now() - startMs) / 1_000,
      command: commandLine(options, variablesSet(environment)),
      plan: planOf(settings, scenario),
      conditions,
      strategies: participants.map(factsOf),
      leftOut: leftOutOf(registry, options.strategies),
      cells: logs.map(log => cellOf(log, scenario, processes)),
      explored: end.incomplete
        ? []
        : await exploredOf({ ...base, stack, cells: offered, settings }),
    };
  } finally {
    progress.end();
    await stack.close();
  }
}

function logOf(cell: CellLog['cell']): CellLog {
  return { cell, repetitions: [], claims: { contested: [], uncontended: [] }, audit: null };
}

type End = Pick<Run, 'end' | 'incomplete' | 'brokenOff'>;

/** Measures until the end, the interruption, or the first thing that makes the rest worthless. */
async function measured(options: MeasureOptions, logs: readonly CellLog[]): Promise<End> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  setMaxListeners(0, signal); // one listener per command under way, which are bounded
  const measurement = new Measurement({ ...options, signal });
  try {
    await Promise.race([measurement.run(logs), options.stack.ended, abortOf(signal)]);
    return { end: 'complete', incomplete: false, brokenOff: '' };
  } catch (error) {
    stop.abort(error);
    if (options.signal.aborted) return { end: 'interrupted', incomplete: true, brokenOff: '' };
    const brokenOff = error instanceof Error ? error.message : String(error);
    return { end: 'broken off', incomplete: true, brokenOff };
  } finally {
    await measurement.close();
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
