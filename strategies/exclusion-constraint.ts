import type { Strategy } from '../src/contract/index.ts';

/** A GiST exclusion constraint refuses what overlaps; ON CONFLICT DO NOTHING keeps it from deadlocking. */
export default {
  title: 'An exclusion constraint and ON CONFLICT DO NOTHING',
  store: 'pg',
  wording: 'exclusion',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: [],
  adoption: {
    migration: 'constraint over existing rows',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
  compared: 'on request',
} satisfies Strategy;
