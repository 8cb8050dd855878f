import type { ExecutionRecord } from './run/stage.ts';
import type { Cost } from './search/cost.ts';

/** One order that was run, and how to run it again. */
export interface Counterexample {
  /** `v2:…`: give it to `replay`. */
  readonly schedule: string;
  readonly cost: Cost;
  readonly record: ExecutionRecord;
}
