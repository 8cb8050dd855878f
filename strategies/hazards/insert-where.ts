import type { Strategy } from '../../src/contract/index.ts';

/** One statement that counts and inserts: it counts in the snapshot from before it waited, or did not wait at all. */
export default {
  title: 'INSERT … SELECT … WHERE count(*) < n',
  store: 'pg',
  wording: 'conditional insert',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: [],
  hazard: {
    why: 'one statement reads its snapshot before a rival commits and writes after',
    under: ['statement phases'],
    cure: 'unique-slots',
  },
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
  compared: 'on request',
} satisfies Strategy;
