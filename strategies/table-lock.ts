import type { Strategy } from '../src/contract/index.ts';

/** Keeps every other writer of the table out: correct, and as wide as a lock can be. */
export default {
  title: 'LOCK TABLE … IN SHARE ROW EXCLUSIVE MODE',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: ['lock table'],
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
  compared: 'on request',
} satisfies Strategy;
