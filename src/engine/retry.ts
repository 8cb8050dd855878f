const baseMs = 4;
const capMs = 250;

/**
 * Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): uniform
 * between 0 and an exponentially growing cap, so that losers of one conflict do not meet again.
 */
export function backoffMs(attempt: number, random: () => number): number {
  return random() * Math.min(capMs, baseMs * 2 ** attempt);
}
