/** Exit codes of all commands. Scripts and CI depend on them; each has one meaning. */
export const exitCodes = {
  /** As claimed, and enough was observed to say so. */
  asClaimed: 0,
  /** A broken claim was observed. */
  claimBroken: 1,
  /** The command line or a file it names is wrong; the message says how to fix it. Nothing ran. */
  usage: 2,
  /** Too little was observed, a predicted violation did not occur, or the run was aborted by an error. */
  inconclusive: 3,
  /** Something the command needs is missing, on this machine or at the given address. */
  missing: 4,
  /** Ctrl-C, SIGTERM or SIGHUP: what was measured is kept and marked. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
