/** What differs between two runs, beyond chance. Pure. */
import { holm, welch } from './student.ts';

/** One figure of one cell in two runs, a value per repetition. */
export interface Pair {
  readonly cell: string;
  readonly figure: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Which direction is better; null: neither. */
  readonly better: 'lower' | 'higher' | null;
}

export interface Difference extends Pair {
  readonly meanBefore: number;
  readonly meanAfter: number;
  /** (after − before) / before. */
  readonly share: number;
  /** Half the 95 % interval of `share`; undefined for fewer than two repetitions on either side. */
  readonly plusMinus: number | undefined;
  /** Adjusted for all figures of all cells that were tested (Holm); undefined if not tested. */
  readonly p: number | undefined;
  /** `same`: no difference was found, which is no proof that there is none. */
  readonly verdict: 'better' | 'worse' | 'other' | 'same' | 'not tested';
}

export const significance = 0.05;

/**
 * Welch's test for each pair, corrected for their number: of two runs of the same code one in twenty
 * shows any difference at all. A pair whose first mean is 0 has no share and is left out.
 */
export function differencesOf(pairs: readonly Pair[]): Difference[] {
  const tested = pairs
    .map(pair => ({ pair, before: meanOf(pair.before), after: meanOf(pair.after) }))
    .filter(({ pair, before }) => before > 0 && pair.after.length > 0)
    .map(one => ({ ...one, welch: welch(one.pair.before, one.pair.after) }));
  const known = tested.flatMap(one => (one.welch ? [one.welch.p] : []));
  const adjusted = holm(known);
  let at = 0;
  return tested.map(({ pair, before, after, welch: test }) => {
    const p = test ? adjusted[at++] : undefined;
    const share = after / before - 1;
    return {
      ...pair,
      meanBefore: before,
      meanAfter: after,
      share,
      plusMinus: test && test.plusMinus / before,
      p,
      verdict: verdictOf(pair, share, p),
    };
  });
}

function verdictOf({ better }: Pair, share: number, p: number | undefined): Difference['verdict'] {
  if (p === undefined) return 'not tested';
  if (p >= significance) return 'same';
  if (better === null) return 'other';
  return share < 0 === (better === 'lower') ? 'better' : 'worse';
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
