/** Figures of one phase of one cell, from its raw repetitions. Pure. */

import type { Audit } from '../lab/shapes.ts';
import {
  added,
  type Histogram,
  merged,
  type Points,
  pointsOf,
  type Quantile,
  quantile,
  type Spread,
  samplesMin,
  spreadOf,
} from '../lab/statistics.ts';
import { quantilesOf } from '../page/ecdf.ts';
import type { CallRecord, Phase, PhaseName } from './schema.ts';

/** Milliseconds from a histogram of the service: exact mean, quantiles to the width of a bucket. */
export interface ServiceTimes {
  readonly count: number;
  readonly mean: number;
  readonly p50: Quantile | undefined;
  /** Undefined where the sample does not carry them. */
  readonly p95: Quantile | undefined;
  readonly p99: Quantile | undefined;
}

export interface PhaseSummary {
  readonly commands: number;
  readonly keys: number;
  readonly cutShort: boolean;
  /**
   * What the phase is ranked by, in ms, one per repetition (see `costOf`); null where nothing was
   * accepted.
   */
  readonly costs: readonly (number | null)[];
  readonly cost: Spread | undefined;
  /** Time until a key's capacity was used up, in ms. */
  readonly decided: Points | undefined;
  /** Latencies measured by the load generator, in ms. */
  readonly accepted: Points | undefined;
  /** Of each repetition, quantiles of the same latencies, at `ecdfShares`. */
  readonly acceptedQuantiles: readonly (readonly number[])[];
  readonly refused: Points | undefined;
  /** Times measured by the service, in ms: pool, wait, hold, commit of an attempt. */
  readonly attemptTimes: Readonly<Record<string, ServiceTimes>>;
  /** Times measured by the service, in ms: a whole command, by outcome. */
  readonly commandTimes: Readonly<Record<string, ServiceTimes>>;
  /** Effects per second that the audit found, without those in excess. */
  readonly goodput: Spread | undefined;
  readonly attempts: number;
  /** Above 1 commands were tried again. */
  readonly attemptsPerCommand: number | undefined;
  readonly outcomes: Readonly<Record<CallRecord['outcome'], number>>;
  /** Keys with capacity left where a caller was told busy, failed or unknown. */
  readonly unfilled: number;
  /** Failed attempts by code. */
  readonly failures: Readonly<Record<string, number>>;
  /** CPU cores used by the load generator, and so not available to the service. */
  readonly generatorCores: number;
}

/** Summarizes the repetitions of one phase; `audit` belongs to the same phase. */
export function phaseSummary(
  name: PhaseName,
  phases: readonly Phase[],
  audit: Audit | undefined,
): PhaseSummary {
  const rounds = phases.flatMap(phase => phase.rounds);
  const calls = rounds.flatMap(round => round.calls);
  const outcomes = countOutcomes(calls);
  const attempts = sum(phases.map(phase => phase.service.attempts));
  const costs = phases.map(phase => costOf(name, phase) ?? null);
  return {
    commands: calls.length,
    keys: rounds.length,
    cutShort: phases.some(phase => phase.cutShort),
    costs,
    cost: spreadOf(costs.filter(cost => cost !== null)),
    decided: pointsOf(rounds.flatMap(round => round.decidedMs ?? [])),
    accepted: pointsOf(latencies(calls, 'accepted')),
    acceptedQuantiles: phases.map(phase =>
      quantilesOf(
        latencies(
          phase.rounds.flatMap(round => round.calls),
          'accepted',
        ),
      ),
    ),
    refused: pointsOf(latencies(calls, 'refused')),
    attemptTimes: timesBy(phases, 'phases'),
    commandTimes: timesBy(phases, 'commands'),
    goodput: audit && spreadOf(phases.flatMap(phase => goodputOf(phase, audit) ?? [])),
    attempts,
    attemptsPerCommand: calls.length > 0 ? attempts / calls.length : undefined,
    outcomes,
    unfilled: rounds.filter(isUnfilled).length,
    failures: added(phases.map(phase => phase.service.failures)),
    generatorCores: spreadOf(phases.map(phase => phase.generatorCores))?.median ?? 0,
  };
}

/** Whether the key has capacity left though a caller was told busy, failed or unknown. */
export function isUnfilled(round: Phase['rounds'][number]): boolean {
  const accepted = round.calls.filter(call => call.outcome === 'accepted').length;
  return accepted < round.capacity && round.calls.some(call => turnedAway.has(call.outcome));
}

const turnedAway: ReadonlySet<CallRecord['outcome']> = new Set(['busy', 'failed', 'unknown']);

/**
 * Contested: the time that all callers together waited for their answers, whatever it was, per accepted
 * command; a strategy that accepts quickly and lets everybody else wait, or turns everybody away, pays
 * for it. Alone and busy: the service's mean time per accepted command, without HTTP, which costs every
 * strategy the same.
 */
function costOf(name: PhaseName, phase: Phase): number | undefined {
  if (name === 'contested') {
    const calls = phase.rounds.flatMap(round => round.calls);
    const { length } = calls.filter(call => call.outcome === 'accepted');
    return length === 0 ? undefined : sum(calls.map(call => call.ms)) / length;
  }
  const accepted = phase.service.commands.accepted;
  return accepted && accepted.count > 0 ? (accepted.sum / accepted.count) * 1_000 : undefined;
}

function goodputOf(phase: Phase, audit: Audit): number | undefined {
  if (phase.seconds === 0) return undefined;
  const accepted = phase.rounds.flatMap(round =>
    round.calls.filter(call => call.outcome === 'accepted'),
  ).length;
  const keys = new Set(phase.rounds.map(round => round.key));
  const bad = audit.violations.filter(row => isWasted(row.kind)).filter(row => keys.has(row.key));
  return Math.max(0, accepted - sum(bad.map(row => row.excess))) / phase.seconds;
}

/** An effect that had to be undone, or is missing: nobody is better off for it. */
function isWasted(kind: Audit['violations'][number]['kind']): boolean {
  return kind === 'duplicate' || kind === 'lost update' || kind === 'lost acknowledgement';
}

function timesBy(
  phases: readonly Phase[],
  metric: 'phases' | 'commands',
): Record<string, ServiceTimes> {
  const labels = new Set(phases.flatMap(phase => Object.keys(phase.service[metric])));
  const entries = [...labels].flatMap(label => {
    const times = timesOf(phases.flatMap(phase => phase.service[metric][label] ?? []));
    return times ? [[label, times] as const] : [];
  });
  return Object.fromEntries(entries);
}

function timesOf(histograms: readonly Histogram[]): ServiceTimes | undefined {
  const all = merged(histograms);
  if (!all || all.count === 0) return undefined;
  const { count } = all;
  const ms = (share: number, least: number): Quantile | undefined => {
    const found = count >= least ? quantile(all, share) : undefined;
    return found && { ...found, value: found.value * 1_000 };
  };
  const mean = (all.sum / count) * 1_000;
  return {
    count,
    mean,
    p50: ms(0.5, 1),
    p95: ms(0.95, samplesMin.p95),
    p99: ms(0.99, samplesMin.p99),
  };
}

function countOutcomes(calls: readonly CallRecord[]): Record<CallRecord['outcome'], number> {
  const counts = { accepted: 0, refused: 0, busy: 0, failed: 0, unknown: 0 };
  for (const call of calls) counts[call.outcome] += 1;
  return counts;
}

function latencies(calls: readonly CallRecord[], outcome: CallRecord['outcome']): number[] {
  return calls.filter(call => call.outcome === outcome).map(call => call.ms);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
