const baseMs = 4;
const capMs = 250;

/**
 * Exponential backoff with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): uniform between 0 and
 * a growing cap, so that the losers of one conflict do not collide again.
 */
export function backoffMs(attempt: number, random: () => number): number {
  return random() * Math.min(capMs, baseMs * 2 ** attempt);
}
