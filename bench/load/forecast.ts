/** How long a load run takes by its plan: what k6 is told. Pure. */

import type { TimePlan } from '../lab/forecast.ts';
import { usualLeaseMs } from '../lab/target.ts';
import { counted } from '../page/format.ts';
import { phasesOf } from './k6/phases.ts';
import { readSettings } from './k6/settings.ts';
import { arrivalsOf } from './k6/workloads.ts';
import type { BenchOptions } from './options.ts';
import { type PlannedCell, serviceRunsOf } from './plan.ts';
import { scriptVariables } from './run-k6.ts';

/** k6's own start, the reading of metrics and the end of a cell are not counted. */
export function timeOf(cells: readonly PlannedCell[], options: BenchOptions): TimePlan {
  const times = cells.map(cell => cellSeconds(cell, options));
  const starts = serviceRunsOf(cells, options.seed).length;
  return {
    work: counted(cells.length, 'cell'),
    leastSeconds: times.reduce((sum, { least }) => sum + least, 0),
    mostSeconds: times.reduce((sum, { most }) => sum + most, 0),
    besides:
      options.baseUrl === undefined
        ? `the start of k6 for each and ${counted(starts, 'start')} of the service`
        : 'the start of k6 for each',
  };
}

/** From the start of the first phase to that of the last, and to the latest end of the last. */
function cellSeconds(
  cell: PlannedCell,
  options: BenchOptions,
): { readonly least: number; readonly most: number } {
  const target = { url: 'http://service', processUrls: ['http://service'], leaseMs: usualLeaseMs };
  const settings = readSettings(scriptVariables({ target, cell, options }, 'summary.json'));
  const phases = Object.values(phasesOf(settings, arrivalsOf(settings)).scenarios);
  const begins = phases.map(({ startTime }) => secondsOf(startTime));
  const ends = phases.map((phase, index) => (begins[index] ?? 0) + lengthOf(phase));
  return { least: Math.max(...begins), most: Math.max(...ends) };
}

type Phase = ReturnType<typeof phasesOf>['scenarios'][string];

/** The longest that k6 lets it run. */
function lengthOf(phase: Phase): number {
  const grace = secondsOf(phase.gracefulStop ?? '30s'); // k6's default
  if ('maxDuration' in phase) return secondsOf(phase.maxDuration) + grace;
  if ('duration' in phase) return secondsOf(phase.duration) + grace;
  if ('stages' in phase)
    return phase.stages.reduce((sum, stage) => sum + secondsOf(stage.duration), 0) + grace;
  return grace;
}

/** "12s" in seconds; the script writes no other unit. */
function secondsOf(text: string | undefined): number {
  return Number.parseFloat(text ?? '0');
}
