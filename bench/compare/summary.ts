/** The summary of a run: verdicts, counts and costs. A pure function of the raw data. */

import type { ExploredCell } from '../explore/schema.ts';
import type { ExitCode } from '../lab/exit-codes.ts';
import type { AuditRow } from '../lab/shapes.ts';
import { added } from '../lab/statistics.ts';
import { type CellVerdict, type Control, type Observation, verdictOf } from '../lab/verdict.ts';
import { exitCodeOf } from './exit.ts';
import { leasesLostIn, observationOf } from './observation.ts';
import { type PhaseName, type PhaseSummary, phaseSummary } from './phase-summary.ts';
import { type Cell, type Run, runVersion, type StrategyFacts } from './schema.ts';

export const resultFormat = 'lockstep result';

/** Findings of one kind. */
export interface Findings {
  readonly kind: AuditRow['kind'];
  readonly rows: number;
  /** Effects that have to go for `duplicate` and `lost update`, else one per row. */
  readonly excess: number;
  readonly keys: number;
  readonly examples: readonly AuditRow[];
}

/** The rank of a safe cell among the safe ones of its scenario and variant. */
export interface Rank {
  readonly place: number;
  /** Its cost divided by that of the cheapest. */
  readonly timesBest: number;
}

export interface CellSummary {
  readonly scenario: string;
  readonly variant: string;
  readonly strategy: StrategyFacts;
  readonly claimed: Cell['claimed'];
  readonly events: readonly string[];
  readonly verdict: CellVerdict;
  readonly observed: Observation | undefined;
  readonly duplicates: number;
  readonly duplicateKeys: number;
  /** The most commands accepted on one key beyond its capacity. */
  readonly excessPerKeyMax: number;
  readonly acceptedPerKeyMax: number;
  readonly findings: readonly Findings[];
  readonly leasesLost: number;
  readonly releases: Readonly<Record<string, number>>;
  readonly phases: Readonly<Record<PhaseName, PhaseSummary>> | undefined;
  readonly ranks: Readonly<Partial<Record<PhaseName, Rank>>>;
}

export interface Summary
  extends Pick<
    Run,
    | 'end'
    | 'incomplete'
    | 'brokenOff'
    | 'startedAt'
    | 'seconds'
    | 'command'
    | 'plan'
    | 'conditions'
    | 'leftOut'
    | 'explored'
  > {
  readonly format: typeof resultFormat;
  readonly version: typeof runVersion;
  readonly exitCode: ExitCode;
  /** Places (`scenario/variant`) in which the audit did not see the control fail. */
  readonly blind: readonly string[];
  readonly cells: readonly CellSummary[];
}

const examplesMax = 5;

/** Summarizes a run. */
export function summarize(run: Run): Summary {
  const controls = controlsOf(run);
  const cells = withRanks(
    run.cells.map(cell => cellSummary(cell, run, controls.get(placeOf(cell)) ?? 'not seen')),
  );
  const verdicts = cells.map(cell => cell.verdict);
  const { end, incomplete, brokenOff, startedAt, seconds, command, plan, conditions, leftOut } =
    run;
  return {
    format: resultFormat,
    version: runVersion,
    exitCode: exitCodeOf(end, verdicts, run.explored, explored =>
      cells.some(cell => isOf(cell, explored) && cell.verdict.observed === 'unsafe'),
    ),
    blind: [...controls].filter(([, control]) => control === 'not seen').map(([place]) => place),
    end,
    incomplete,
    brokenOff,
    startedAt,
    seconds,
    command,
    plan,
    conditions,
    leftOut,
    explored: run.explored,
    cells,
  };
}

/** Whether the explored cell is of the same place, with all callers under the measured strategy. */
function isOf({ scenario, variant, strategy }: CellSummary, explored: ExploredCell): boolean {
  const same = scenario === explored.scenario && variant === explored.variant;
  return same && explored.strategies.every(name => name === strategy.name);
}

/** Check-then-act double-books 89–99 % of the keys (measured): far fewer means there was no contention. */
const controlShareMin = 0.2;

/** Whether the audit saw the control fail, by place. */
function controlsOf(run: Run): ReadonlyMap<string, Control> {
  const names = new Set(run.strategies.filter(one => one.control).map(one => one.name));
  return new Map(
    run.cells
      .filter(cell => names.has(cell.strategy) && cell.claimed.verdict !== 'not offered')
      .map(cell => [placeOf(cell), isControlSeen(cell) ? 'seen' : 'not seen']),
  );
}

/** A scenario and variant: strategies are compared within a place, never across places. */
export function placeOf({ scenario, variant }: Pick<Cell, 'scenario' | 'variant'>): string {
  return `${scenario}/${variant}`;
}

function isControlSeen(cell: Cell): boolean {
  const rows = cell.audit?.contested.violations ?? [];
  const raced = rows.filter(row => row.kind !== 'lost acknowledgement').map(row => row.key);
  const keys = cell.repetitions.flatMap(repetition => repetition.contested.rounds).length;
  return raced.length > 0 && new Set(raced).size >= keys * controlShareMin;
}

function cellSummary(cell: Cell, run: Run, control: Control): CellSummary {
  const strategy = run.strategies.find(one => one.name === cell.strategy);
  if (!strategy) throw new Error(`the run has a cell of '${cell.strategy}' but not its facts`);
  const observed = cell.claimed.verdict === 'not offered' ? undefined : observationOf(cell);
  const findings = findingsOf(cell);
  const duplicates = findings.find(one => one.kind === 'duplicate');
  const services = cell.repetitions.flatMap(({ contested, uncontended }) => [
    contested.service,
    uncontended.service,
  ]);
  return {
    scenario: cell.scenario,
    variant: cell.variant,
    strategy,
    claimed: cell.claimed,
    events: cell.events,
    verdict: verdictOf(cell.claimed, observed, control, strategy.hazard),
    observed,
    duplicates: duplicates?.excess ?? 0,
    duplicateKeys: duplicates?.keys ?? 0,
    ...acceptedMost(cell),
    findings,
    leasesLost: services.reduce((total, service) => total + leasesLostIn(service), 0),
    releases: added(services.map(service => service.releases)),
    phases: cell.repetitions.length > 0 ? phasesOf(cell) : undefined,
    ranks: {},
  };
}

function phasesOf(cell: Cell): Record<PhaseName, PhaseSummary> {
  const of = (name: PhaseName): PhaseSummary =>
    phaseSummary(
      name,
      cell.repetitions.map(repetition => repetition[name]),
      cell.audit?.[name],
    );
  return { contested: of('contested'), uncontended: of('uncontended') };
}

function findingsOf(cell: Cell): Findings[] {
  const byKind = new Map<AuditRow['kind'], AuditRow[]>();
  const audited = cell.audit ? [cell.audit.contested, cell.audit.uncontended] : [];
  const rows = [...audited.flatMap(audit => audit.violations), ...stuckRows(cell)];
  for (const row of rows) byKind.set(row.kind, [...(byKind.get(row.kind) ?? []), row]);
  return [...byKind].map(([kind, rows]) => ({
    kind,
    rows: rows.length,
    excess: rows.reduce((total, row) => total + row.excess, 0),
    keys: new Set(rows.map(row => row.key)).size,
    examples: rows.toSorted((a, b) => b.excess - a.excess).slice(0, examplesMax),
  }));
}

function stuckRows({ asked }: Cell): AuditRow[] {
  const detail = 'a fresh command was told busy when every lease had passed';
  return (asked?.stuck ?? []).map(key => ({ key, kind: 'stuck', excess: 1, detail }));
}

function acceptedMost(cell: Cell): { excessPerKeyMax: number; acceptedPerKeyMax: number } {
  let [excessPerKeyMax, acceptedPerKeyMax] = [0, 0];
  for (const { contested } of cell.repetitions)
    for (const round of contested.rounds) {
      const accepted = round.calls.filter(call => call.outcome === 'accepted').length;
      acceptedPerKeyMax = Math.max(acceptedPerKeyMax, accepted);
      excessPerKeyMax = Math.max(excessPerKeyMax, accepted - round.capacity);
    }
  return { excessPerKeyMax, acceptedPerKeyMax };
}

/** Only safe cells are ranked, and never a hazard: the cost of a wrong strategy is irrelevant. */
function withRanks(cells: readonly CellSummary[]): CellSummary[] {
  return cells.map(cell => {
    const ranks: Partial<Record<PhaseName, Rank>> = {};
    for (const name of ['contested', 'uncontended'] as const) {
      const rank = rankOf(cell, cells, name);
      if (rank) ranks[name] = rank;
    }
    return { ...cell, ranks };
  });
}

function rankOf(
  cell: CellSummary,
  cells: readonly CellSummary[],
  name: PhaseName,
): Rank | undefined {
  const own = safeCost(cell, name);
  if (own === undefined) return undefined;
  const rivals = cells
    .filter(one => placeOf(one) === placeOf(cell))
    .flatMap(one => safeCost(one, name) ?? []);
  const best = Math.min(...rivals);
  return { place: 1 + rivals.filter(cost => cost < own).length, timesBest: own / best };
}

/** With more keys unfilled than this, the time to decide comes from a few lucky keys. */
const unfilledShareMax = 0.2;

function safeCost(cell: CellSummary, name: PhaseName): number | undefined {
  const { keys = 0, keysUnfilled = 0 } = cell.observed ?? {};
  const eligible =
    cell.verdict.observed === 'safe' &&
    cell.strategy.hazard === null &&
    (name === 'uncontended' || keysUnfilled <= keys * unfilledShareMax);
  return eligible ? cell.phases?.[name].cost?.median : undefined;
}
