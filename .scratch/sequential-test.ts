/**
 * Whether the new arm fails more often than the old one, told at any time without raising the share of
 * false alarms: a test martingale for two streams of yes and no (R. Turner, A. Ly, P. Grünwald,
 * "Generic E-Variables for Exact Sequential k-Sample Tests", 2021). If the new arm is no worse, the
 * evidence reaches 1/α with a probability of at most α, however often one looks. Pure.
 */

/** What one look brought: commands of each arm, and how many of them failed. */
export interface Look {
  readonly old: Counts;
  readonly new: Counts;
}

export interface Counts {
  readonly all: number;
  /** Busy, unknown, or slower than the limit: whatever is asked about. */
  readonly bad: number;
}

/** Half a failure in one command, before anything is known. */
const priorBad = 0.5;
const priorAll = 1;
/** The least difference that is bet on: without one there is nothing to win. */
const leastRatio = 1.02;

/** Evidence that the new arm is worse, look by look. */
export class SequentialTest {
  #old: Counts = { all: 0, bad: 0 };
  #new: Counts = { all: 0, bad: 0 };
  #logEvidence = 0;

  /** The share of false alarms that remains if one stops at `evidence >= 1 / share`. */
  get evidence(): number {
    return Math.exp(this.#logEvidence);
  }

  /** Bets on this look with what the earlier ones have shown; looks without both arms tell nothing. */
  look(seen: Look): void {
    if (seen.old.all > 0 && seen.new.all > 0) this.#logEvidence += this.#won(seen);
    this.#old = sum(this.#old, seen.old);
    this.#new = sum(this.#new, seen.new);
  }

  #won(seen: Look): number {
    const oldShare = shareOf(this.#old);
    const newShare = Math.min(0.999, Math.max(shareOf(this.#new), oldShare * leastRatio));
    const all = seen.old.all + seen.new.all;
    const both = (seen.old.all * oldShare + seen.new.all * newShare) / all;
    const together = sum(seen.old, seen.new);
    return (
      logLikelihood(seen.old, oldShare) +
      logLikelihood(seen.new, newShare) -
      logLikelihood(together, both)
    );
  }
}

function shareOf({ all, bad }: Counts): number {
  return Math.min(0.97, (bad + priorBad) / (all + priorAll));
}

function sum(a: Counts, b: Counts): Counts {
  return { all: a.all + b.all, bad: a.bad + b.bad };
}

function logLikelihood({ all, bad }: Counts, share: number): number {
  return bad * Math.log(share) + (all - bad) * Math.log(1 - share);
}

/**
 * The largest share of violated keys that 0 of `keys` leaves open, at 95 % confidence. It holds at every
 * look at once, for one stops at the first violation: 299 independent clean keys bound it below 1 %.
 */
export function boundAfterClean(keys: number): number {
  return keys > 0 ? 1 - 0.05 ** (1 / keys) : 1;
}
