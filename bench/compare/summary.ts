/** The summary of a run: verdicts, counts and costs. A pure function of the raw data. */

import type { ExploredCell } from '../explore/schema.ts';
import type { ExitCode } from '../lab/exit-codes.ts';
import { leasesLostIn } from '../lab/losses.ts';
import type { AuditRow } from '../lab/shapes.ts';
import { added, familyBound } from '../lab/statistics.ts';
import {
  type CellVerdict,
  type Control,
  controlFrom,
  type Observation,
  powerMin,
  unseen,
  verdictOf,
} from '../lab/verdict.ts';
import { exitCodeOf } from './exit.ts';
import { auditsOf, observationOf } from './observation.ts';
import { type PhaseSummary, phaseSummary } from './phase-summary.ts';
import { type Rank, withRanks } from './ranks.ts';
import {
  type Cell,
  type PhaseName,
  phasesIn,
  type Run,
  runVersion,
  type StrategyFacts,
} from './schema.ts';

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

export interface CellSummary {
  readonly scenario: string;
  readonly variant: string;
  readonly strategy: StrategyFacts;
  readonly claimed: Cell['claimed'];
  readonly events: readonly string[];
  readonly verdict: CellVerdict;
  /** The share of the control’s contested keys that were violated, in the same place of this run. */
  readonly power: number;
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
  /** For 0 of n: the bound that holds for all such cells of the run at once (95 % confidence). */
  readonly familyBound?: number;
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
    withFamilyBound(
      run.cells.map(cell => cellSummary(cell, run, controls.get(placeOf(cell)) ?? unseen)),
    ),
    run.plan.seed,
  );
  const verdicts = cells.map(cell => cell.verdict);
  const { end, incomplete, brokenOff, startedAt, seconds, command, plan, conditions, leftOut } =
    run;
  return {
    format: resultFormat,
    version: runVersion,
    exitCode: exitCodeOf(end, verdicts, run.explored, explored =>
      cells.some(cell => isExploredOf(cell, explored) && cell.verdict.observed === 'unsafe'),
    ),
    blind: [...controls].filter(([, { share }]) => share < powerMin).map(([place]) => place),
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
export function isExploredOf(
  { scenario, variant, strategy }: CellSummary,
  explored: ExploredCell,
): boolean {
  const same = scenario === explored.scenario && variant === explored.variant;
  return same && explored.strategies.every(name => name === strategy.name);
}

/** What the audit saw of the control, by place. */
function controlsOf(run: Run): ReadonlyMap<string, Control> {
  const names = new Set(run.strategies.filter(one => one.control).map(one => one.name));
  return new Map(
    run.cells
      .filter(cell => names.has(cell.strategy) && cell.claimed.verdict !== 'not offered')
      .map(cell => [placeOf(cell), controlIn(cell)]),
  );
}

/** Adds to each cell without findings the bound that holds for all of them together. */
function withFamilyBound(cells: readonly CellSummary[]): CellSummary[] {
  const clean = cells.filter(cell => cell.verdict.boundShare !== undefined).length;
  return cells.map(cell => {
    const { boundShare } = cell.verdict;
    // the keys that count as independent: see `ruleOfThree`
    return boundShare === undefined
      ? cell
      : { ...cell, familyBound: familyBound(3 / boundShare, clean) };
  });
}

/** A scenario and variant: strategies are compared within a place, never across places. */
export function placeOf({ scenario, variant }: Pick<Cell, 'scenario' | 'variant'>): string {
  return `${scenario}/${variant}`;
}

/** Acknowledgements are lost by other means than races, so they show no power. */
function controlIn(cell: Cell): Control {
  const raced = new Set(
    auditsOf(cell)
      .flatMap(audit => audit.violations)
      .filter(row => row.kind !== 'lost acknowledgement')
      .map(row => row.key),
  );
  return controlFrom(
    cell.repetitions.map(({ contested: { rounds } }) => ({
      keys: rounds.length,
      failed: rounds.filter(round => raced.has(round.key)).length,
    })),
  );
}

function cellSummary(cell: Cell, run: Run, control: Control): CellSummary {
  const strategy = run.strategies.find(one => one.name === cell.strategy);
  if (!strategy) throw new Error(`the run has a cell of '${cell.strategy}' but not its facts`);
  const observed = cell.claimed.verdict === 'not offered' ? undefined : observationOf(cell);
  const findings = findingsOf(cell);
  const duplicates = findings.find(one => one.kind === 'duplicate');
  const services = phasesIn(cell).map(phase => phase.service);
  return {
    scenario: cell.scenario,
    variant: cell.variant,
    strategy,
    claimed: cell.claimed,
    events: cell.events,
    verdict: verdictOf(cell.claimed, observed, control, strategy.hazard),
    power: control.share,
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
  return { contested: of('contested'), alone: of('alone'), busy: of('busy') };
}

function findingsOf(cell: Cell): Findings[] {
  const byKind = new Map<AuditRow['kind'], AuditRow[]>();
  const rows = [...auditsOf(cell).flatMap(audit => audit.violations), ...stuckRows(cell)];
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
  const contested = [...cell.warmUp, ...cell.repetitions.map(one => one.contested)];
  for (const round of contested.flatMap(phase => phase.rounds)) {
    const accepted = round.calls.filter(call => call.outcome === 'accepted').length;
    acceptedPerKeyMax = Math.max(acceptedPerKeyMax, accepted);
    excessPerKeyMax = Math.max(excessPerKeyMax, accepted - round.capacity);
  }
  return { excessPerKeyMax, acceptedPerKeyMax };
}
