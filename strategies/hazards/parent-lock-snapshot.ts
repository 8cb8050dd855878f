import type { Strategy } from '../../src/contract/index.ts';

/** A bare lock on the parent under REPEATABLE READ: the waiter gets the lock and keeps its old snapshot. */
export default {
  title: 'A parent lock under REPEATABLE READ, nothing touched',
  store: 'pg',
  wording: 'steps',
  isolation: 'repeatable read',
  turns: [],
  first: [],
  guard: ['lock row'],
  hazard: {
    why: 'whoever waited for the lock still counts in the snapshot from before',
    under: [],
    cure: 'parent-lock-touch',
  },
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: true,
  },
  compared: 'on request',
} satisfies Strategy;
