import type { Strategy } from '../src/contract/index.ts';

/** Locks the deciding row or gives up at once: nobody waits, and the caller tries again. */
export default {
  title: 'SELECT … FOR NO KEY UPDATE NOWAIT, busy at once',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: ['lock row, nowait'],
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: true,
  },
  compared: 'on request',
} satisfies Strategy;
