/** What a command of `lockstep` is, and what it is given. */
import type { Command } from 'commander';
import type { Environment } from '../lab/service.ts';

export interface Around {
  /** The arguments behind the command's name. */
  readonly argv: readonly string[];
  readonly environment: Environment;
  /** Aborted by Ctrl-C, SIGTERM, SIGHUP, and when the npm that started this process is gone. */
  readonly signal: AbortSignal;
  /** To standard output. */
  readonly write: (text: string) => void;
  /** A line to standard error. */
  readonly note: (line: string) => void;
}

export interface CliCommand {
  /** Its options: help and the check for flags that npm kept for itself follow from them. */
  form(): Command;
  /**
   * Reads the arguments, works, prints; resolves to the exit code. Rejects with an error whose message
   * says what to do.
   */
  run(around: Around): Promise<number>;
  /** What is kept of a run that was interrupted before it had a result; a sentence. */
  readonly kept?: string;
}
