import type { Strategy } from '../src/contract/index.ts';

/** Locks the parent and updates it: whoever waited with an old snapshot gets 40001 and looks again. */
export default {
  title: 'A parent lock under REPEATABLE READ, and the parent touched',
  store: 'pg',
  wording: 'steps',
  isolation: 'repeatable read',
  turns: [],
  first: [],
  guard: ['lock row', 'touch'],
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: true,
  },
  compared: 'on request',
} satisfies Strategy;
