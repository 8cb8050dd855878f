import type { Failure } from '../contract/index.ts';
import type { Command } from './command.ts';

/** Under which strategy an attempt runs, and how its transaction proves that it may. */
export interface Assigned {
  readonly strategy: Command['strategy'];
  /** Goes along with BEGIN; see rollout/proof.ts. Without one nothing is guaranteed. */
  readonly proof?: string;
  /** It cannot run here: the attempt ends with this, and counts for this strategy. */
  readonly refused?: Failure;
}

/** Says which strategy decides which keys; see rollout/. */
export interface Assigner {
  /**
   * As this process has heard. Waits while the keys change hands, at most until `deadlineMs`. Throws
   * `Failure('assignment-divided')` where no strategy can decide all the keys.
   */
  assign(command: Command, keys: readonly string[], deadlineMs: number): Promise<Assigned>;
  /** Reads anew, behind a proof that was refused. Never rejects. */
  refresh(): Promise<void>;
}
