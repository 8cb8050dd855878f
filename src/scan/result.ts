import type { Recording } from './record/recording.ts';
import type { Finding } from './subject.ts';
import type { WhatIfRow } from './what-if/what-if.ts';

/** What became of one pair. */
export const verdicts = [
  /** Some order differs from every serial order: see the finding. */
  'differs',
  /** It cannot differ, and was not explored: `why` names the reason. */
  'cleared',
  /** Every order within the bound was explored, and equals a serial order. */
  'equals a serial order',
  /** Sent again, a request was not answered as it was recorded: nothing is known of it. */
  'not reproduced',
  /** It was explored, and cannot be judged. */
  'not judged',
  /** The time was over before. */
  'not tried',
] as const;

export type Verdict = (typeof verdicts)[number];

export interface JudgedPair {
  /** `POST /slots/1/bookings #1 and #2`. */
  readonly title: string;
  /** `POST /slots/:id/bookings`, twice where both are of one kind. */
  readonly kinds: readonly [string, string];
  /** Numbers of the requests in the recording. */
  readonly requests: readonly [number, number];
  readonly verdict: Verdict;
  /** One sentence. */
  readonly why: string;
  readonly finding?: Finding;
  /** The same callers under each cure that the wire allows, where that was asked for. */
  readonly cures?: readonly WhatIfRow[];
}

/** What a scan came to. */
export interface ScanResult {
  readonly pairs: readonly JudgedPair[];
  /** Kinds of requests, and how many were recorded of each. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Pairs of recorded requests for which those of the list stand, being of the same kinds. */
  readonly untried: number;
  /** What services tried to reach during the replays, and did not: hosts that they asked for, addresses. */
  readonly outside: readonly string[];
  readonly orders: number;
  readonly seconds: number;
  /** Seconds until the first finding; undefined where there is none. */
  readonly firstFindingSeconds: number | undefined;
}

/**
 * Every pair of the list was judged, cleared or explored to a verdict; and nothing that belongs to the
 * list is missing: no host was refused, no request is without an answer, nothing was left unrecorded.
 */
export function allJudged(
  { pairs, outside }: ScanResult,
  { requests, limits }: Pick<Recording, 'requests' | 'limits'>,
): boolean {
  if (outside.length > 0 || limits.length > 0) return false;
  if (requests.some(({ answer }) => answer === null)) return false;
  const judged = new Set<Verdict>(['differs', 'cleared', 'equals a serial order']);
  return pairs.every(({ verdict }) => judged.has(verdict));
}
