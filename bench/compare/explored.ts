/** The exploration in a comparison: each strategy with two callers of one key. */

import { availableParallelism } from 'node:os';
import { errorMessage } from '../../src/error-message.ts';
import type { Services } from '../../src/services/index.ts';
import { besideControl, controlSpecs } from '../explore/control.ts';
import { exploreAll } from '../explore/crew.ts';
import { plain, roundNames } from '../explore/rounds.ts';
import type { ExploredCell } from '../explore/schema.ts';
import { type CellSpec, usualReach } from '../explore/spec.ts';
import { withoutPlan } from '../explore/verdict.ts';
import type { CellLog } from './measure.ts';
import type { Settings } from './options.ts';

export interface ExploredOptions {
  readonly services: { readonly postgres: Pick<Services['postgres'], 'url'> };
  readonly cells: readonly Pick<CellLog, 'cell'>[];
  readonly settings: Pick<Settings, 'exploreSeconds'>;
  readonly strategyFiles: readonly string[];
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

const workersMax = 2;
const callers = 2;
/** With less time left it is not worth starting the servers again. */
const leastSeconds = 5;
const late = 'the time limit (`--explore-seconds`) was reached before it started';

/**
 * Within `settings.exploreSeconds`: plain rounds of every strategy, then the other rounds of the load,
 * as time permits. Never throws, since a run is worth keeping without it: if the explorer fails, each
 * cell gives the reason.
 */
export async function exploredOf(options: ExploredOptions): Promise<ExploredCell[]> {
  const { settings, report } = options;
  if (settings.exploreSeconds === 0) return [];
  report(`Exploring the orders of two callers, at most ${settings.exploreSeconds} s`);
  const lastMs = performance.now() + settings.exploreSeconds * 1_000;
  const cells = byUrgency(options.cells);
  const specs = cells.flatMap(specsOf);
  const control = cells.find(({ cell }) => cell.participant.control)?.cell.participant.strategy;
  const found: ExploredCell[] = [];
  for (const isPlain of [true, false]) {
    const own = specs.filter(({ round }) => (round === plain) === isPlain);
    const leftSeconds = (lastMs - performance.now()) / 1_000;
    if (leftSeconds < leastSeconds) {
      found.push(...own.map(spec => withoutPlan(spec, 'budget-stopped', late)));
      continue;
    }
    if (own.length === 0) continue;
    const controls = control ? controlSpecs(own, control.name) : [];
    const seen = await exploredWithin(options, [...controls, ...own], leftSeconds);
    const asked = own.map(
      spec => seen.find(cell => isOf(spec, cell)) ?? withoutPlan(spec, 'budget-stopped', late),
    );
    found.push(...(control ? besideControl(asked, seen, control.name) : asked));
  }
  const order = options.cells.map(one => one.cell.participant.strategy.name);
  const place = ({ strategies: [name = ''] }: ExploredCell): number => order.indexOf(name);
  return found.toSorted((a, b) => place(a) - place(b));
}

type Explored = ExploredOptions['cells'][number];

/**
 * Time may run out: first the control, without which nothing is proven, then whoever holds a lease,
 * since what an expired lease lets through is what no load shows; the other hazards come last.
 */
function byUrgency(cells: readonly Explored[]): Explored[] {
  const urgency = ({ cell: { participant } }: Explored): number => {
    const { turns, hazard } = participant.strategy.declared;
    if (participant.control) return 0;
    if (turns.some(turn => turn.heldBy === 'lease')) return 1;
    return hazard ? 3 : 2;
  };
  return cells.toSorted((a, b) => urgency(a) - urgency(b));
}

/** One per round that the load offers. Of a hazard the first violation is enough. */
function specsOf({ cell: { scenario, variant, participant } }: Explored): CellSpec[] {
  const { name, declared } = participant.strategy;
  const strategies = Array.from({ length: callers }, () => name);
  const { rounds = {} } = scenario.registered.variants[variant] ?? {};
  // the load sends no Idempotency-Key
  const names = roundNames({ rounds }).filter(round => round !== 'same-key');
  const firstOnly = Boolean(declared.hazard);
  return names.map(round => ({
    scenario: scenario.name,
    variant,
    strategies,
    round,
    ...(firstOnly && { firstOnly: true as const }),
  }));
}

function isOf(spec: CellSpec, { variant, round, strategies }: ExploredCell): boolean {
  const same = spec.variant === variant && spec.round === round;
  return same && spec.strategies.join() === strategies.join();
}

async function exploredWithin(
  { services, strategyFiles, report, signal }: ExploredOptions,
  specs: readonly CellSpec[],
  seconds: number,
): Promise<ExploredCell[]> {
  try {
    return await exploreAll(specs, {
      databaseUrl: services.postgres.url,
      // its own Redis servers: the explorer flushes scripts and keys before every order
      redisUrl: undefined,
      redisNodeUrls: [],
      strategyFiles,
      workers: Math.min(workersMax, availableParallelism()),
      reach: usualReach,
      secondsMax: seconds,
      cellSecondsMax: seconds,
      explored: () => {},
      signal,
    });
  } catch (error) {
    const why = errorMessage(error);
    report(`Not explored: ${why}`);
    return signal.aborted ? [] : specs.map(spec => withoutPlan(spec, 'inconclusive', why));
  }
}
