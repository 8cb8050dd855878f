import { row } from './metric-row.ts';

const place = ['scenario', 'variant'] as const;
const byArm = ['scenario', 'variant', 'arm'] as const;

/** Every process tells what the database has, so the values are not added up. */
const told = { merge: 'max' } as const;

/** Of the newest rollout of each variant that has had one. */
export const rolloutMetrics = {
  lockstep_rollout_weight: {
    ...row(
      'gauge',
      'groups',
      place,
      'How many of the 100 groups of keys are to be under the new strategy.',
    ),
    ...told,
  },
  lockstep_rollout_shadow: {
    ...row(
      'gauge',
      'groups',
      place,
      'In how many of the 100 groups of keys the new lock is tried under the old one.',
    ),
    ...told,
  },
  lockstep_rollout_epoch: {
    ...row(
      'gauge',
      'epoch',
      place,
      'Sum of the epochs of all groups of keys: rises by 1 with each group that changes hands.',
    ),
    ...told,
  },
  lockstep_rollout_stage: {
    ...row(
      'gauge',
      'flag',
      ['scenario', 'variant', 'stage'],
      'Is 1 for the stage that the rollout is in, 0 for the others.',
    ),
    ...told,
  },
  lockstep_rollout_verdict: {
    ...row(
      'gauge',
      'flag',
      ['scenario', 'variant', 'verdict'],
      'Is 1 for what its gate says, 0 for the others.',
    ),
    ...told,
  },
  lockstep_rollout_blocked_groups: {
    ...row(
      'gauge',
      'groups',
      place,
      'Groups of keys that could not change hands at the last try: somebody stays inside.',
    ),
    ...told,
  },
  lockstep_rollout_contested_keys: {
    ...row(
      'gauge',
      'keys',
      byArm,
      'Keys on which two commands overlapped and one was accepted, once per second and process.',
    ),
    ...told,
  },
  lockstep_rollout_audited_keys: {
    ...row('gauge', 'keys', byArm, 'Contested keys that have been audited since.'),
    ...told,
  },
  lockstep_rollout_clean_keys: {
    ...row(
      'gauge',
      'keys',
      byArm,
      'Different contested keys audited without a violation, at most one per second: what the exposure goes by.',
    ),
    ...told,
  },
  lockstep_rollout_tries: {
    ...row(
      'gauge',
      'tries',
      ['scenario', 'variant', 'tried'],
      'Locks asked for under the old ones, by what became of it.',
    ),
    ...told,
  },
  lockstep_rollout_processes_behind: {
    ...row(
      'gauge',
      'processes',
      [],
      'Processes that do not know the newest assignment of keys after 2 s, while a rollout runs.',
    ),
    ...told,
  },
} as const;
