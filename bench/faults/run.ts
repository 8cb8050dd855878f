/** Runs the cells of `faults`, from the registry to the raw data. */
import { setMaxListeners } from 'node:events';
import { errorMessage } from '../../src/error-message.ts';
import { argumentsIn, UsageError } from '../lab/command-line.ts';
import { forecast } from '../lab/forecast.ts';
import { openProgress, type Progress } from '../lab/progress.ts';
import { assertSame } from '../lab/same-conditions.ts';
import type { Environment } from '../lab/service.ts';
import { counted } from '../page/format.ts';
import { Around } from './around.ts';
import { type StruckCell, strikeTogether } from './cell.ts';
import type { NamedFault } from './fault.ts';
import { type FaultsFolder, readFaults } from './files.ts';
import type { Operation } from './history.ts';
import { commandLine, type FaultsOptions, readFaultsOptions } from './options.ts';
import { groupsOf, type Planned } from './plan.ts';
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

/** Those who are struck together take about so long: calm, strike, heal and audit. */
const groupSeconds = { fixed: 3, leases: 1.7 } as const;
/** So many injections that break off one after the other end the run: something is broken for good. */
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
  const groups = groupsOf(left);
  const struck = groups.filter(([one]) => one?.notOffered === undefined);
  const progress = openProgress(output, struck.length);
  const report = (line: string): void => progress.note(line);
  await tellForecast(options, struck.length, report);
  const { times, strategyFiles } = plan;
  const rig = await Rig.open({ environment, strategyFiles, times, report: quiet(report), signal });
  try {
    if (before) assertSame(before.conditions, rig.conditions);
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
      cells: inOrder(cells, plan.cells),
    });
    const keep = (planned: Planned, history: readonly Operation[]): Promise<void> =>
      folder.keep(runOf('interrupted'), headOf(planned), history);
    const around = new Around(rig.lab);
    const work = { rig, plan, options, progress, signal, keep, around };
    let broken = 0;
    try {
      for (const group of groups) {
        const made = await groupRun(work, group);
        cells.push(...made);
        await folder.save(runOf('interrupted'));
        broken = made.every(({ state }) => state === 'broken off') ? broken + 1 : 0;
        if (broken === brokenMax)
          throw new Error(`${brokenMax} injections in a row broke off: ${made[0]?.because}`);
      }
      await around.leave();
    } catch (error) {
      return signal.aborted ? runOf('interrupted') : runOf('broken off', errorMessage(error));
    } finally {
      await around.leave().catch(() => {}); // the first error counts
    }
    return runOf('complete');
  } finally {
    progress.end();
    await rig.close();
  }
}

/** Those who were struck together came together. */
function inOrder(cells: readonly FaultCell[], planned: readonly Planned[]): FaultCell[] {
  const places = new Map(planned.map((one, place) => [nameOf(one), place]));
  const place = (cell: FaultCell): number => places.get(cellName(cell)) ?? planned.length;
  return [...cells].sort((a, b) => place(a) - place(b));
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
  groups: number,
  report: (line: string) => void,
): Promise<void> {
  const eachSeconds = groupSeconds.fixed + (groupSeconds.leases * leaseMs) / 1_000;
  const time = {
    work: counted(groups, 'injection'),
    aboutSeconds: groups * eachSeconds,
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
  readonly around: Around;
  readonly keep: (planned: Planned, history: readonly Operation[]) => Promise<void>;
}

/** What a cell has that was not struck. */
export const unstruck = {
  marks: null,
  judged: null,
  audit: null,
  strip: null,
  ready: null,
  wire: [],
  seconds: 0,
};

/** The cells of those who are struck together; who was not held with the others is struck alone. */
async function groupRun(
  work: Work,
  group: readonly Planned[],
  again = false,
): Promise<FaultCell[]> {
  const [first] = group;
  if (!first) return [];
  const all = (state: FaultCell['state'], because: (one: Planned) => string): FaultCell[] =>
    group.map(one => ({ ...headOf(one), ...unstruck, state, because: because(one) }));
  if (first.notOffered !== undefined) return all('not offered', one => one.notOffered ?? '');
  const missing = await missingFor(first.fault);
  if (missing !== undefined) return all('skipped', () => missing);
  if (again) work.progress.note(`${nameOf(first)}: not held in time with the others; now alone`);
  else work.progress.step(stepOf(group));
  const startMs = performance.now();
  try {
    const struck = await Promise.race([struckIn(work, group), work.rig.ended]);
    const seconds = (performance.now() - startMs) / 1_000 / group.length;
    const cells: FaultCell[] = [];
    for (const [index, planned] of group.entries()) {
      const one = struck[index];
      if (!one) continue;
      if (one.state === 'phase not reached' && group.length > 1) {
        cells.push(...(await groupRun(work, [planned], true)));
        continue;
      }
      const { history, ...part } = one;
      await work.keep(planned, history);
      cells.push({ ...headOf(planned), ...part, seconds });
    }
    return cells;
  } catch (error) {
    work.signal.throwIfAborted();
    return all('broken off', () => errorMessage(error));
  }
}

async function struckIn(
  { rig, plan, options, signal, around }: Work,
  group: readonly Planned[],
): Promise<readonly StruckCell[]> {
  const [first] = group;
  if (!first) return [];
  await around.enter(first.fault);
  await Promise.all(rig.workers.map(worker => worker.back())); // whoever was killed before
  const { scenario, times } = plan;
  const { variant, seed } = options;
  return strikeTogether(
    rig,
    { fault: first.fault, members: group, scenario, variant, seed, times },
    signal,
  );
}

function stepOf(group: readonly Planned[]): string {
  const [first, ...others] = group;
  if (!first) return '';
  const besides = others.length > 0 ? ` and ${others.length} more` : '';
  return `${nameOf(first)}${besides}`;
}

/** What a fault needs and this machine lacks, with the way to get it. */
export async function missingFor({ needs }: NamedFault): Promise<string | undefined> {
  for (const need of needs)
    if (!(await need.found())) return `${need.what} is missing here: ${need.install}`;
  return undefined;
}

export function headOf({ fault, phase, name, control, claimed, leftBehind, outage }: Planned) {
  return { fault: fault.name, phase, strategy: name, control, claimed, leftBehind, outage };
}

export const nameOf = (planned: Planned): string => cellName(headOf(planned));

export function factsOf({ name, title, strikes, events, harm, phases, forgets }: NamedFault) {
  const facts = { name, title, strikes, harm, forgets: forgets === true };
  return { ...facts, events: [...events], phases: [...phases] };
}

function strategiesIn(cells: readonly Planned[]): FaultsRun['strategies'] {
  const all = new Map(
    cells.map(({ name, strategy: { declared }, undefended }) => [
      name,
      { name, title: declared.title, hazard: declared.hazard !== undefined || undefended },
    ]),
  );
  return [...all.values()].sort(
    (a, b) => Number(a.hazard) - Number(b.hazard) || a.name.localeCompare(b.name),
  );
}
