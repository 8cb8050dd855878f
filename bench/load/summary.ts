/** Summarizes a load run: one row per cell, over its repetitions. Pure. */
import { type Event, type Prediction, predict } from '../../src/contract/index.ts';
import type { Registry } from '../../src/engine/registry.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { leasesLostIn, turnsLostIn } from '../lab/losses.ts';
import { controlOf } from '../lab/plan.ts';
import { added, samplesMin } from '../lab/statistics.ts';
import { eventsOf, isProvokedByLoad } from '../lab/verdict.ts';
import { type Estimate, estimateOf } from './estimate.ts';
import type { BenchRun } from './files.ts';
import {
  brokenClaim,
  controlsIn,
  type Judged,
  judgedBeside,
  meetingsIn,
  seenAlone,
} from './judged.ts';
import { warmUpCommandsPerKey } from './k6/phases.ts';
import { nameOf, placeName, pointOf } from './plan.ts';
import type { BenchPlan, CellPlan, CellResult, K6Summary } from './schema.ts';

/** The violations on the keys of a cell, over all repetitions. */
export interface Violations {
  readonly duplicates: number;
  readonly lostUpdates: number;
  readonly lostAcknowledgements: number;
  readonly falseRefusals: number;
  readonly inconsistencies: number;
  /** Keys that were still busy for a fresh command when every lease had passed. */
  readonly stuck: number;
}

export interface CellRow extends Judged {
  readonly name: string;
  readonly plan: CellPlan;
  /** Its position on the axis of a sweep. */
  readonly point: number;
  readonly planned: number;
  readonly measured: number;
  /** Whether, in all measured repetitions, every row and acknowledgement was audited. */
  readonly audited: boolean;
  /** Commands were accepted, but the load was too short for two samples after the warm-up. */
  readonly tooShort: boolean;
  readonly claimed: Prediction;
  /** The strategy that protects nothing: what the operation costs by itself. */
  readonly control: boolean;
  /** Keys whose rows were audited. */
  readonly keys: number;
  /** Contested keys that were asked again; 0 in older results, which asked none. */
  readonly keysAsked: number;
  readonly keysContested: number;
  readonly violations: Violations;
  /** Why load does not show the flaw of this hazard; undefined if it has none, or load shows it. */
  readonly notProvoked: string | undefined;
  /** How the audit’s findings break the claim; empty if they do not. */
  readonly claimBroken: string;
  readonly dropped: number;
  readonly problems: readonly string[];
  /** The thresholds of k6 that did not hold in some repetition. */
  readonly broken: readonly string[];
  readonly figures: Readonly<Partial<Record<FigureName, Estimate>>>;
}

/** The figures of a repetition; undefined if not measured. */
const figures = {
  offeredPerSecond: ({ k6 }) => k6.offered / k6.seconds,
  answeredPerSecond: ({ k6 }) => count(k6, 'answered') / k6.seconds,
  // one command may be in excess and overwritten too
  goodputPerSecond: ({ k6 }) => Math.max(0, count(k6, 'accepted') - wasted(k6)) / k6.seconds,
  acceptedP50Ms: ({ k6 }) => carried(k6.trends.accepted_ms, 'p50'),
  acceptedP95Ms: ({ k6 }) => carried(k6.trends.accepted_ms, 'p95'),
  acceptedP99Ms: ({ k6 }) => carried(k6.trends.accepted_ms, 'p99'),
  acceptedP999Ms: ({ k6 }) => carried(k6.trends.accepted_ms, 'p999'),
  refusedP50Ms: ({ k6 }) => carried(k6.trends.refused_ms, 'p50'),
  refusedP99Ms: ({ k6 }) => carried(k6.trends.refused_ms, 'p99'),
  longestMs: ({ k6 }) => k6.trends.answered_ms?.max,
  serviceMs: ({ service }) => meanMs(service?.load?.commands.accepted),
  holdMs: ({ service }) => meanMs(service?.load?.phases.hold),
  attemptsPerAccepted: ({ k6 }) => ratio(count(k6, 'attempts'), count(k6, 'accepted')),
  jain: ({ k6 }) => k6.jain ?? undefined,
  // too few samples for a high percentile; the mean feels every starved command
  bystanderQuietMs: ({ k6 }) => k6.trends.bystander_quiet_ms?.mean,
  bystanderMs: ({ k6 }) => k6.trends.bystander_beside_load_ms?.mean,
  bystanderTimes: ({ k6 }) => {
    const [quiet, beside] = [k6.trends.bystander_quiet_ms, k6.trends.bystander_beside_load_ms];
    return quiet && beside ? ratio(beside.mean, quiet.mean) : undefined;
  },
  leasesLost: ({ service }) => (service ? leasesLostIn(service.whole) : undefined),
  statementsPerAccepted: ({ usage }) => per(usage?.statements, usage?.accepted),
  redisPerAccepted: ({ usage }) => per(usage?.redisCommands, usage?.accepted),
  walPerAccepted: ({ usage }) => per(usage?.walBytes, usage?.accepted),
  connections: ({ usage }) => usage?.connections,
  serviceCores: ({ usage }) => per(usage?.cpu.service, usage?.seconds),
  postgresCores: ({ usage }) => per(usage?.cpu.postgres, usage?.seconds),
  redisCores: ({ usage }) => per(usage?.cpu.redis, usage?.seconds),
  k6Cores: ({ usage }) => per(usage?.cpu.k6, usage?.seconds),
  loopLagMs: ({ usage }) =>
    usage?.eventLoopLagSeconds == null ? undefined : usage.eventLoopLagSeconds * 1_000,
} as const satisfies Record<string, (cell: Measured) => number | null | undefined>;

export type FigureName = keyof typeof figures;
const figureNames = Object.keys(figures).filter(isFigure);

function isFigure(name: string): name is FigureName {
  return Object.hasOwn(figures, name);
}

interface Measured extends CellResult {
  readonly k6: K6Summary;
}

export interface BenchSummary {
  readonly plan: Omit<BenchPlan, 'cells'>;
  readonly rows: readonly CellRow[];
  /** Planned cells without a result. */
  readonly missing: readonly string[];
}

/** Every planned cell has a row, even if nothing was measured. */
export function summarizeBench({ plan, cells }: BenchRun, registry: Registry): BenchSummary {
  const { cells: planned, ...rest } = plan;
  const measured = cells.filter(isMeasured);
  const ids = new Set(measured.map(cell => cell.id));
  const groups = new Map(planned.map(cell => [nameOf(cell.plan), cell.plan]));
  const rows = [...groups].map(([name, cellPlan]) => {
    const mine = cells.filter(cell => nameOf(cell.plan) === name);
    const wanted = planned.filter(cell => nameOf(cell.plan) === name).length;
    return rowOf({ name, plan: cellPlan, wanted, cells: mine }, registry);
  });
  const controls = controlsIn(measured, controlOf(registry).name);
  const judged = rows.map(row => judgedBeside(row, controls.get(placeName(row.plan))));
  return {
    plan: rest,
    rows: judged,
    missing: planned.map(({ id }) => id).filter(id => !ids.has(id)),
  };
}

function isMeasured(cell: CellResult): cell is Measured {
  return cell.problem === '' && cell.k6 !== null;
}

interface Group {
  readonly name: string;
  readonly plan: CellPlan;
  readonly wanted: number;
  readonly cells: readonly CellResult[];
}

function rowOf({ name, plan, wanted, cells }: Group, registry: Registry): CellRow {
  const measured = cells.filter(isMeasured);
  const sum = (key: string): number => measured.reduce((all, { k6 }) => all + count(k6, key), 0);
  const violations = {
    duplicates: sum('duplicates'),
    lostUpdates: sum('lost_updates'),
    lostAcknowledgements: sum('lost_acknowledgements'),
    falseRefusals: sum('false_refusals'),
    inconsistencies: sum('inconsistencies'),
    stuck: sum('keys_stuck'),
  };
  const found = Object.values(violations).reduce((all, one) => all + one, 0);
  const audited = measured.length > 0 && measured.every(({ k6 }) => k6.audited);
  const claimed = claimOf(plan, measured, registry);
  return {
    name,
    plan,
    point: pointOf(plan),
    planned: wanted,
    measured: measured.length,
    audited,
    tooShort: measured.some(isTooShort),
    claimed,
    notProvoked: notProvokedOf(plan, registry),
    control: plan.strategy === controlOf(registry).name,
    ...seenAlone(found, audited, sum('accepted')),
    keys: sum('keys_audited'),
    meetings: meetingsIn(measured),
    power: undefined,
    boundShare: undefined,
    keysAsked: sum('keys_asked'),
    keysContested: sum('keys_contested'),
    violations,
    claimBroken: brokenClaim(claimed, {
      findings: found,
      ...violations,
      keysHit: measured.reduce((all, cell) => all + keysHitIn(cell), 0),
      ...lossesIn(measured),
    }),
    dropped: measured.reduce((all, { k6 }) => all + k6.dropped, 0),
    broken: [...new Set(measured.flatMap(({ k6 }) => k6.broken))],
    problems: cells.map(cell => cell.problem).filter(problem => problem !== ''),
    figures: figuresOf(measured),
  };
}

/** At least so many keys: the rows tell them, and one key gets only so many wrong refusals. */
function keysHitIn({ plan, k6 }: Measured): number {
  const perKey = Math.max(plan.commandsPerKey, plan.vus, warmUpCommandsPerKey);
  return Math.max(count(k6, 'keys_violated'), Math.ceil(count(k6, 'false_refusals') / perKey));
}

function lossesIn(cells: readonly Measured[]) {
  const services = cells.flatMap(({ service }) => service?.whole ?? []);
  return {
    turnsLost: services.reduce((sum, one) => sum + turnsLostIn(one), 0),
    effectsWithoutRecord: services.reduce((sum, one) => sum + one.effectsWithoutRecord, 0),
    counted: services.length === cells.length,
  };
}

function isTooShort({ k6, service }: Measured): boolean {
  const told = service?.load?.commands.accepted?.count ?? 0;
  return service !== null && told === 0 && count(k6, 'accepted') > 0;
}

function figuresOf(measured: readonly Measured[]): CellRow['figures'] {
  return Object.fromEntries(
    figureNames.flatMap(name => {
      const estimate = estimateOf(measured.map(cell => figures[name](cell)));
      return estimate ? [[name, estimate]] : [];
    }),
  );
}

/** What the strategy promises under the events that the service counted. */
function claimOf(plan: CellPlan, cells: readonly Measured[], registry: Registry): Prediction {
  const found = strategyNamed(registry, plan.strategy);
  const variant = registry.scenarios.get(plan.scenario)?.registered.variants[plan.variant];
  if (!('strategy' in found) || !variant)
    return {
      verdict: 'no claim',
      reason: 'strategy not given',
      because: 'its strategy file was not given (--strategy)',
    };
  const wholes = cells.flatMap(({ service }) => (service ? [service.whole] : []));
  const total = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
  const events: Event[] = eventsOf({
    processes: plan.processes,
    effectsWithoutRecord: total(wholes.map(whole => whole.effectsWithoutRecord)),
    leasesLost: total(wholes.map(whole => whole.leasesLost)),
    releases: added(wholes.map(whole => whole.releases)),
    failures: added(wholes.map(whole => whole.failures)),
  });
  return predict(found.strategy.declared, variant, new Set(events));
}

function notProvokedOf({ strategy }: CellPlan, registry: Registry): string | undefined {
  const found = strategyNamed(registry, strategy);
  const hazard = 'strategy' in found ? found.strategy.declared.hazard : undefined;
  return isProvokedByLoad(hazard)
    ? undefined
    : `a hazard that needs ${hazard.under.join(' or ')}, which load does not cause`;
}

const count = (k6: K6Summary, name: string): number => k6.counts[name] ?? 0;

/** Effects that had to be undone, or are missing: nobody is better off for them. */
function wasted(k6: K6Summary): number {
  const kinds = ['duplicates', 'lost_updates', 'lost_acknowledgements'];
  return kinds.reduce((sum, name) => sum + count(k6, name), 0);
}

function carried(
  points: K6Summary['trends'][string] | undefined,
  name: 'p50' | 'p95' | 'p99' | 'p999',
): number | undefined {
  return points && points.count >= samplesMin[name] ? points[name] : undefined;
}

function ratio(a: number, b: number): number | undefined {
  return b > 0 ? a / b : undefined;
}

function per(a: number | null | undefined, b: number | undefined): number | undefined {
  return a == null || b === undefined ? undefined : ratio(a, b);
}

function meanMs(histogram: { readonly sum: number; readonly count: number } | undefined) {
  return histogram && histogram.count > 0 ? (histogram.sum / histogram.count) * 1_000 : undefined;
}
