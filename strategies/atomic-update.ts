import type { Strategy } from '../src/contract/index.ts';

/** One conditional UPDATE of the deciding row, its dependents in the same statement. */
export default {
  title: 'UPDATE … WHERE it is still allowed, in one statement',
  store: 'pg',
  wording: 'conditional update',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: [],
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
  compared: 'on request',
} satisfies Strategy;
