import type { Strategy } from '../src/contract/index.ts';

/** Locks the deciding row before looking: whoever comes second waits at the row until COMMIT. */
export default {
  title: 'SELECT … FOR NO KEY UPDATE on the deciding row',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: ['lock row'],
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
} satisfies Strategy;
