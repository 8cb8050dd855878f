import type { Strategy } from '../src/contract/index.ts';

/** Numbers the slots and lets a unique index refuse: nothing to take, nothing to give back. */
export default {
  title: 'Numbered slots, a unique index and ON CONFLICT DO NOTHING',
  store: 'pg',
  wording: 'numbered slots',
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
} satisfies Strategy;
