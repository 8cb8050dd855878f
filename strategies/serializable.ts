import type { Strategy } from '../src/contract/index.ts';

/** Lets Postgres watch what was read: one of two that could not have run one after the other gets 40001. */
export default {
  title: 'SERIALIZABLE, with retries',
  store: 'pg',
  wording: 'steps',
  isolation: 'serializable',
  turns: [],
  first: [],
  guard: [],
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: true,
  },
  compared: 'on request',
} satisfies Strategy;
