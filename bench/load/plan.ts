/** The cells of a load run, and their order. Pure. */

import type { RegisteredScenario, Registry } from '../../src/engine/registry.ts';
import { UsageError } from '../lab/command-line.ts';
import { participantsOf } from '../lab/plan.ts';
import { randomOf, shuffled } from '../lab/random.ts';
import type { ServiceShape } from '../lab/target.ts';
import { type BenchOptions, type Sweep, sweeps } from './options.ts';
import type { BenchPlan, CellPlan } from './schema.ts';

export type PlannedCell = BenchPlan['cells'][number];

/** The lease of the hold sweep: long compared with timer resolution, short compared with a cell. */
export const sweptLeaseMs = 60;
/** Round trips to Postgres while a lease is held: read, two or three writes, COMMIT. */
const exchangesHeld = 4;

/** The cells of all repetitions, and those not offered. Throws `UsageError` for unknown names. */
export function planOf(
  registry: Registry,
  options: BenchOptions,
): Pick<BenchPlan, 'cells' | 'notOffered'> {
  const everybody = participantsOf(registry, options.strategies);
  // a remote service may run a single strategy, so the control is not added
  const remote = options.baseUrl !== undefined;
  const participants = everybody.filter(
    ({ strategy }) => !remote || options.strategies.includes(strategy.name),
  );
  const notOffered: { cell: string; because: string }[] = [];
  const plans = options.scenarios.flatMap(name => {
    const scenario = scenarioOf(registry, name);
    const { wordings = [] } = scenario.registered.variants[variantOf(scenario)] ?? {};
    return participants.flatMap(({ strategy }) => {
      const { wording } = strategy.declared;
      if (wordings.includes(wording)) return shapesOf(scenario, strategy.name, options);
      notOffered.push({
        cell: `${name}/${strategy.name}`,
        because: `the scenario has no wording '${wording}'`,
      });
      return [];
    });
  });
  const wanted = plans.filter(plan => options.filter?.test(nameOf(plan)) ?? true);
  if (wanted.length === 0) throw new UsageError('no cells to run');
  const cells = Array.from({ length: options.repetitions }, (_, index) => index + 1).flatMap(
    repetition => wanted.map(plan => ({ id: `${nameOf(plan)}.r${repetition}`, repetition, plan })),
  );
  return { cells, notOffered };
}

function scenarioOf({ scenarios }: Registry, name: string): RegisteredScenario {
  const scenario = scenarios.get(name);
  if (scenario) return scenario;
  throw new UsageError(
    `unknown scenario '${name}'; expected one of ${[...scenarios.keys()].join(', ')}`,
  );
}

/** The first variant: the default of requests that do not choose one. */
function variantOf({ registered }: RegisteredScenario): string {
  return Object.keys(registered.variants)[0] ?? '';
}

function shapesOf(
  scenario: RegisteredScenario,
  strategy: string,
  options: BenchOptions,
): readonly CellPlan[] {
  const { workloads, spreads, processes, vus, keys, commandsPerKey, sweep } = options;
  const variant = variantOf(scenario);
  return workloads.flatMap(workload =>
    spreads.flatMap(spread => {
      const plan: CellPlan = {
        scenario: scenario.name,
        variant,
        strategy,
        workload,
        spread,
        processes,
        vus,
        keys,
        commandsPerKey,
        latencyMs: 0,
        synchronousCommit: true,
        leaseMs: null,
        axis: sweep ?? '',
      };
      if (sweep === undefined) return [plan];
      return (options.points ?? sweeps[sweep]).map(point => ({ ...plan, ...at(sweep, point) }));
    }),
  );
}

/** The parameters that a point of a sweep changes. */
function at(sweep: Sweep, point: number): Partial<CellPlan> {
  switch (sweep) {
    case 'contenders':
      return { vus: Math.max(1, point) };
    case 'keys':
      return point === 1 ? { keys: 1, spread: 'hot' } : { keys: point, spread: 'uniform' };
    case 'processes':
      return { processes: Math.max(1, point) };
    case 'latency':
      return { latencyMs: point };
    case 'commit':
      return { synchronousCommit: point !== 0 };
    case 'hold':
      // the report takes the actual ratio from the service's own hold times
      return { leaseMs: sweptLeaseMs, latencyMs: (point * sweptLeaseMs) / exchangesHeld };
  }
}

/** The name of a cell without its repetition. */
export function nameOf(plan: CellPlan): string {
  const parts = [plan.scenario, plan.strategy, plan.workload, plan.spread];
  if (plan.axis !== '') parts.push(`${plan.axis}=${pointOf(plan)}`);
  return parts.join('.').replace(/[^\w.=-]/g, '_');
}

/** The name of a cell without its strategy: cells of one place are under the same load. */
export function placeName(plan: CellPlan): string {
  return nameOf({ ...plan, strategy: '' });
}

/** The position of a cell on its axis. */
export function pointOf(plan: CellPlan): number {
  switch (plan.axis) {
    case 'contenders':
      return plan.vus;
    case 'keys':
      return plan.keys;
    case 'processes':
      return plan.processes;
    case 'latency':
      return plan.latencyMs;
    case 'commit':
      return plan.synchronousCommit ? 1 : 0;
    case 'hold':
      return (plan.latencyMs * exchangesHeld) / (plan.leaseMs ?? 1);
    default:
      return 0;
  }
}

/** The cells that share one start of the service. */
export interface ServiceRun {
  readonly stack: ServiceShape;
  readonly cells: readonly PlannedCell[];
}

/**
 * Repetition by repetition. Within one, cells that can share a service are grouped; groups and cells are
 * in random order, because whatever runs first meets a colder machine.
 */
export function serviceRunsOf(cells: readonly PlannedCell[], seed: number): readonly ServiceRun[] {
  const repetitions = [...new Set(cells.map(cell => cell.repetition))].sort((a, b) => a - b);
  return repetitions.flatMap(repetition => {
    const groups = new Map<string, PlannedCell[]>();
    for (const cell of cells.filter(one => one.repetition === repetition)) {
      const key = JSON.stringify(stackOf(cell.plan));
      groups.set(key, [...(groups.get(key) ?? []), cell]);
    }
    const random = randomOf(seed, `order ${repetition}`);
    return shuffled([...groups.values()], random).map(group => ({
      stack: stackOf(group[0]?.plan),
      cells: shuffled(group, random),
    }));
  });
}

function stackOf(plan: CellPlan | undefined): ServiceShape {
  if (!plan) throw new Error('empty group of cells');
  const { processes, latencyMs, synchronousCommit, leaseMs } = plan;
  return { processes, latencyMs, synchronousCommit, leaseMs };
}
