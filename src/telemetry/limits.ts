/**
 * Alert thresholds. Alerts, dashboard thresholds and histogram buckets derive from here: a quantile
 * is only as precise as the nearest bucket boundary.
 */
export const limits = {
  /** Longer waits are noticeable to users; a tenth of the 5 s after which a waiter gives up. */
  waitP99Seconds: 0.5,
  /** The whole command, including all attempts. */
  commandP99Seconds: 1,
  /** Normally a connection is free at once. */
  poolP99Seconds: 0.1,
  /** Fraction of commands that ended as busy. */
  busyRatio: 0.05,
  /** Beyond this, optimistic strategies waste most of their work. */
  attemptsPerAccepted: 3,
  /** The audit of recent keys runs every 2 s, so this is 30 missed audits. */
  auditSilentSeconds: 60,
  /** For comparison: a lap over a table with a million keys takes about ten minutes. */
  lapSilentSeconds: 7_200,
  /** The goal of one audit of recent keys. */
  auditP99Seconds: 0.05,
  /** Node's event loop, at its 99th percentile. */
  eventLoopP99Seconds: 0.1,
  /** Accepted commands needed for a verdict about a strategy: fewer prove nothing. */
  verdictAccepted: 1_000,
} as const;
