export const everyUsuallyMs = 2_000;
const everyWithBacklogMs = 500;
/** With a backlog an audit takes at most one part in so many of the time: Postgres is busy already. */
const pausesPerAudit = 30;

/**
 * Milliseconds between two audits. Keys that wait are hurried for, as far as the last audit was short;
 * an audit that takes long is not put off for longer than usual.
 */
export function pauseMs(
  everyMs: number,
  last: { readonly tookMs: number; readonly backlog: number; readonly failed: boolean },
): number {
  if (last.backlog === 0 || last.failed) return everyMs;
  const hurriedMs = Math.min(everyMs, everyWithBacklogMs);
  const sparedMs = Math.max(hurriedMs, pausesPerAudit * last.tookMs);
  return Math.min(Math.max(everyMs, everyUsuallyMs), sparedMs);
}
