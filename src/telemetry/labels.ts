import { failures, outcomeKinds, releaseEnds, violationKinds } from '../contract/index.ts';
import { attemptPhases } from '../engine/observer.ts';

/** The values that a label can have. */
export interface LabelRow {
  readonly meaning: string;
  /** All of them; where it is a sentence, what bounds them. Never an id of anybody's data. */
  readonly values: readonly string[] | string;
}

const row = (meaning: string, values: LabelRow['values']): LabelRow => ({ meaning, values });

/** Every label, with what bounds its values: there is none whose values grow with the data. */
export const labels = {
  scenario: row('the operation', 'the folders of `src/scenarios/`'),
  variant: row('how its rule is written', "a scenario's variants"),
  strategy: row(
    'the strategy that served',
    'the strategies that are registered; `mixed` and `unknown` for violations that no single one can be blamed for',
  ),
  outcome: row('how the command ended', [...outcomeKinds, 'other']),
  phase: row('what the time went on', attemptPhases),
  code: row('why the attempt failed', Object.keys(failures)),
  end: row('how the turn was given back', releaseEnds),
  kind: row('what is wrong', violationKinds),
  pool: row('which connections', ['work', 'locks']),
  state: row('what a connection does', ['busy', 'idle']),
  version: row('of Lockstep', 'one at a time'),
  node: row('the version of Node', 'one at a time'),
} as const satisfies Record<string, LabelRow>;

/** The rows as a list. */
export const labelRows: readonly (readonly [name: string, row: LabelRow])[] =
  Object.entries(labels);
