/**
 * What contested keys without a violation are worth. Pure.
 *
 * The rollout stops at the first violation, so to look all the time costs nothing: if a contested key shows
 * one with a probability above the bound, n clean ones in a row come with a probability below 5 %, and n is
 * the first number for which that is so. This needs keys that are independent: see evidence.ts.
 */
const missed = 0.05;

/** The upper bound, at 95 %, of the share of contested keys that show a violation, after so many clean ones. */
export function boundOf(clean: number): number {
  return clean <= 0 ? 1 : 1 - missed ** (1 / clean);
}
