export const everyDefaultMs = 2_000;
const everyWithBacklogMs = 500;
/** With a backlog, audits use at most 1/30 of the time, since Postgres is already busy. */
const pausesPerAudit = 30;

/**
 * Milliseconds until the next audit: shorter with a backlog if audits are fast, but never longer
 * than the normal interval, however slow they are.
 */
export function pauseMs(
  everyMs: number,
  last: { readonly tookMs: number; readonly backlog: number; readonly failed: boolean },
): number {
  if (last.backlog === 0 || last.failed) return everyMs;
  const hurriedMs = Math.min(everyMs, everyWithBacklogMs);
  const sparedMs = Math.max(hurriedMs, pausesPerAudit * last.tookMs);
  return Math.min(Math.max(everyMs, everyDefaultMs), sparedMs);
}
