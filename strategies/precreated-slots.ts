import type { Strategy } from '../src/contract/index.ts';

/** Rows created beforehand give the rule something to lock, one row per place. */
export default {
  title: 'Rows created beforehand, claimed under a row lock',
  store: 'pg',
  wording: 'precreated rows',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: ['lock row'],
  adoption: {
    migration: 'rows beforehand',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
  compared: 'on request',
} satisfies Strategy;
