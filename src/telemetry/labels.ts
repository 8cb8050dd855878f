import { failures, outcomeKinds, releaseEnds, violationKinds } from '../contract/index.ts';
import { attemptPhases } from '../engine/observer.ts';

/** A label and its possible values. */
export interface LabelRow {
  readonly meaning: string;
  /** All values, or a sentence that says what bounds them. Never ids of user data. */
  readonly values: readonly string[] | string;
}

const row = (meaning: string, values: LabelRow['values']): LabelRow => ({ meaning, values });

/** Every label with its values: no label's values grow with the data. */
export const labels = {
  scenario: row('the operation', 'the folders of `src/scenarios/`'),
  variant: row('the variant of the scenario', "a scenario's variants"),
  strategy: row(
    'the strategy that ran the command',
    'the registered strategies; `mixed` and `unknown` for violations that cannot be attributed to one',
  ),
  outcome: row('how the command ended', [...outcomeKinds, 'other']),
  phase: row('where the time was spent', attemptPhases),
  code: row('why the attempt failed', Object.keys(failures)),
  end: row('how the release went', releaseEnds),
  kind: row('the kind of violation', violationKinds),
  arm: row('which strategy decided', ['old', 'new', 'shadow']),
  stage: row('the stage of the rollout', [
    'progressing',
    'paused',
    'aborting',
    'healthy',
    'aborted',
  ]),
  verdict: row('what the gate says', ['Successful', 'Failed', 'Inconclusive']),
  tried: row('what became of a lock that was only tried', ['granted', ...Object.keys(failures)]),
  pool: row('the connection pool', ['work', 'locks']),
  state: row('the state of the connection', ['busy', 'idle']),
  version: row('the version of Lockstep', 'one at a time'),
  node: row('the version of Node', 'one at a time'),
} as const satisfies Record<string, LabelRow>;

/** The rows as a list. */
export const labelRows: readonly (readonly [name: string, row: LabelRow])[] =
  Object.entries(labels);
