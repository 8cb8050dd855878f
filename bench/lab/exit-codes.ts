/** How every command ends. Scripts and CI depend on these numbers; each has one meaning. */
export const exitCodes = {
  /** As claimed, and enough was observed to say so. */
  asClaimed: 0,
  /** A claim was seen to be broken. */
  claimBroken: 1,
  /** The command line or a file that it names is wrong; the message says what to write. Nothing ran. */
  usage: 2,
  /** Too little was observed, a predicted violation was not seen, or the run broke off. */
  inconclusive: 3,
  /** Something that the command needs is missing, on this machine or at the address given. */
  missing: 4,
  /** Ctrl-C, SIGTERM or SIGHUP: what was measured is kept and marked. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
