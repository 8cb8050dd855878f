import type { FailureCode, OutcomeKind } from '../../contract/index.ts';
import { quantileOf, secondsOf } from './durations.ts';

/** `shadow`: decided under the old strategy while the new one was tried. */
export const arms = ['old', 'new', 'shadow'] as const;
export type Arm = (typeof arms)[number];

/** What the processes have counted of one arm, added up. */
export interface ArmCounts {
  readonly arm: Arm;
  /** All commands that ended under it. */
  readonly commands: number;
  /** Of these, one per key and second and process, drawn at random: what the comparison goes by. */
  readonly drawn: number;
  /** Of the drawn ones. */
  readonly busy: number;
  readonly failed: number;
  readonly unknown: number;
  /** Durations of the drawn ones that were accepted or refused; see durations.ts. */
  readonly durations: readonly number[];
  /** Keys on which two commands overlapped and one of them was accepted; once per second and process. */
  readonly contested: number;
  /** Of these, how many have been audited since. */
  readonly audited: number;
  /** Of these, different keys, at most one per second over all processes: what the exposure goes by. */
  readonly clean: number;
  /** What became of the tried lock, where one was tried. */
  readonly tries: Readonly<Record<string, number>>;
}

export type TryEnd = 'granted' | FailureCode;

/** A rollout, as the one who counts needs to know it. */
export interface Counted {
  readonly id: string;
  readonly scenario: string;
  readonly variant: string;
  readonly from: string;
  readonly to: string;
}

/** How a command ended. */
export interface EndedCommand {
  readonly scenario: string;
  readonly variant: string;
  readonly strategy: string;
  readonly kind: OutcomeKind;
  readonly seconds: number;
  readonly key: string;
}

/** For people: with quantiles, each up to a tenth too long, in place of the counts they come from. */
export function summaryOf({ arm: _, durations, ...counts }: ArmCounts) {
  const msAt = (share: number): number | null => {
    const step = quantileOf(durations, share);
    return step === undefined ? null : Number((1_000 * secondsOf(step)).toPrecision(3));
  };
  return { ...counts, p50Ms: msAt(0.5), p95Ms: msAt(0.95), p99Ms: msAt(0.99) };
}
