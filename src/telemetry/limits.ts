/**
 * The limits at which somebody is told. Alerts, lines in dashboards and edges of histograms derive
 * from here: a quantile is only as exact as the edge that lies nearest.
 */
export const limits = {
  /** A waiter for longer is felt by whoever tapped; a tenth of the 5 s after which it gives up. */
  waitP99Seconds: 0.5,
  /** The whole command, all attempts inside. */
  commandP99Seconds: 1,
  /** A free connection should not have to be waited for at all. */
  poolP99Seconds: 0.1,
  /** Of all commands, those that could not get the turn in time. */
  busyRatio: 0.05,
  /** Beyond it optimistic strategies mostly work for the bin. */
  attemptsPerAccepted: 3,
  /** An audit of recent keys runs every 2 s; so many are missed. */
  auditSilentSeconds: 60,
  /** A lap over a table with a million keys takes about ten minutes. */
  lapSilentSeconds: 7_200,
  /** The goal of one audit of recent keys. */
  auditP99Seconds: 0.05,
  /** Node's event loop, at its 99th percentile. */
  eventLoopP99Seconds: 0.1,
  /** A verdict about a strategy needs so many accepted commands: fewer show nothing. */
  verdictAccepted: 1_000,
} as const;
