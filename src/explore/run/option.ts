import type { Choice } from '../search/choice.ts';
import type { TrackedLane } from './tracked-lane.ts';

/** A choice with the lanes that it concerns. */
export interface Option {
  readonly choice: Choice;
  readonly lanes: readonly TrackedLane[];
}
