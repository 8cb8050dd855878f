/** The figures of a contest on one key. Pure. */
import { percentile } from '../../lab/statistics.ts';
import type { Told } from './contest.ts';

export interface Figures {
  readonly turns: number;
  readonly perSecond: number;
  readonly waitP50Ms: number;
  readonly waitP99Ms: number;
  readonly waitMaxMs: number;
  /** Jain's index of the contenders' turns: 1 if all got the same number, 1/n if one got all. */
  readonly jain: number;
  readonly givenUp: number;
  /** Critical sections that started before the previous one ended: the lock let two in. */
  readonly overlaps: number;
}

/** Combines the results of the processes. `seconds`: how long they were told to run. */
export function figuresOf(told: readonly Told[], seconds: number): Figures {
  const waits = told.flatMap(one => one.waitsMs).toSorted((a, b) => a - b);
  const sections = told.flatMap(one => one.sections).toSorted(([a], [b]) => a - b);
  return {
    turns: sections.length,
    perSecond: sections.length / seconds,
    waitP50Ms: percentile(waits, 0.5),
    waitP99Ms: percentile(waits, 0.99),
    waitMaxMs: percentile(waits, 1),
    jain: jainOf(told.flatMap(one => one.turns)),
    givenUp: told.reduce((total, one) => total + one.givenUp, 0),
    overlaps: sections.filter(([from], index) => from < (sections[index - 1]?.[1] ?? 0)).length,
  };
}

/** https://arxiv.org/abs/cs/9809099 */
export function jainOf(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return squares === 0 ? Number.NaN : (sum * sum) / (shares.length * squares);
}

export interface Target {
  readonly what: string;
  readonly value: number;
  readonly wanted: string;
  readonly met: boolean;
}

/** Upper limits for any lock: no hand-off at all, and a bare message through Redis. */
export interface Floors {
  readonly floor: Figures;
  readonly baton: Figures;
}

/** Compares the queued lease with the floors and with redlock, within one repetition. */
export function targetsOf(
  { floor, baton }: Floors,
  queued: Figures,
  redlock: Figures,
): readonly Target[] {
  const atLeast = (what: string, value: number, least: number): Target => ({
    what,
    value,
    wanted: `≥ ${least}`,
    met: value >= least,
  });
  const atMost = (what: string, value: number, most: number): Target => ({
    what,
    value,
    wanted: `≤ ${most}`,
    met: value <= most,
  });
  return [
    atLeast('hand-offs, of the ideal', queued.perSecond / floor.perSecond, 0.75),
    atLeast('hand-offs, of a bare message', queued.perSecond / baton.perSecond, 0.9),
    atMost('p99 of the wait, of its median', queued.waitP99Ms / queued.waitP50Ms, 1.6),
    atLeast("Jain's index", queued.jain, 0.99),
    atLeast("hand-offs, of redlock's", queued.perSecond / redlock.perSecond, 2.5),
    atMost("p99 of the wait, of redlock's", queued.waitP99Ms / redlock.waitP99Ms, 0.1),
  ];
}
