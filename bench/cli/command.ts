/** The interface of a `lockstep` command. */
import type { Command } from 'commander';
import type { Environment } from '../lab/service.ts';

export interface CommandContext {
  /** The arguments after the command's name. */
  readonly argv: readonly string[];
  readonly environment: Environment;
  /** Aborted by Ctrl-C, SIGTERM or SIGHUP, or when the npm that started this process exits. */
  readonly signal: AbortSignal;
  /** Writes to standard output. */
  readonly write: (text: string) => void;
  /** Writes a line to standard error. */
  readonly note: (line: string) => void;
}

export interface CliCommand {
  /** Defines the options: source of the help, and of the check for flags that npm consumed. */
  form(): Command;
  /**
   * Reads the arguments, does the work and prints the result; resolves to the exit code. Rejects with
   * an error whose message says what to do.
   */
  run(context: CommandContext): Promise<number>;
  /** A sentence: what is kept of a run that was interrupted before it had a result. */
  readonly kept?: string;
}
