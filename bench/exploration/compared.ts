/** The explored part of a comparison: its strategies, two callers of one key each. */
import { availableParallelism } from 'node:os';
import type { Services } from '../../src/services/index.ts';
import type { CellLog } from '../measure.ts';
import type { Settings } from '../options.ts';
import type { ExploredCell } from '../results/schema.ts';
import { exploreAll } from './crew.ts';
import { usualReach } from './spec.ts';
import { withoutPlan } from './verdict.ts';

export interface ExploredOptions {
  readonly services: Services;
  readonly cells: readonly CellLog[];
  readonly settings: Settings;
  readonly strategyFiles: readonly string[];
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

const workersMax = 2;
const callers = 2;

/**
 * Within `settings.exploreSeconds`. Never throws, since a run is worth keeping without it: what kept
 * the explorer from working is said of each cell.
 */
export async function exploredOf(options: ExploredOptions): Promise<ExploredCell[]> {
  const { services, cells, settings, strategyFiles, report, signal } = options;
  if (settings.exploreSeconds === 0) return [];
  const specs = cells.map(({ cell: { scenario, variant, participant } }) => ({
    scenario: scenario.name,
    variant,
    strategies: Array.from({ length: callers }, () => participant.strategy.name),
    doubleTap: false,
    couple: false,
  }));
  report(`Exploring the orders of two callers, ${settings.exploreSeconds} s at most`);
  try {
    return await exploreAll(specs, {
      databaseUrl: services.postgres.url,
      // servers of its own: it flushes scripts and keys before every order
      redisUrl: undefined,
      redisNodeUrls: [],
      strategyFiles,
      workers: Math.min(workersMax, availableParallelism()),
      reach: usualReach,
      secondsMax: settings.exploreSeconds,
      cellSecondsMax: settings.exploreSeconds,
      explored: () => {},
      signal,
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    report(`Not explored: ${why}`);
    return signal.aborted ? [] : specs.map(spec => withoutPlan(spec, 'inconclusive', why));
  }
}
