import type { Strategy } from '../src/contract/index.ts';

/** Takes any free row that was created beforehand and passes over those that others hold. */
export default {
  title: 'Rows created beforehand, FOR NO KEY UPDATE SKIP LOCKED',
  store: 'pg',
  wording: 'precreated rows',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: ['lock row, skip locked'],
  adoption: {
    migration: 'rows beforehand',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: true,
  },
  compared: 'on request',
} satisfies Strategy;
