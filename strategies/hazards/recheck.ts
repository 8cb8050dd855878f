import type { Strategy } from '../../src/contract/index.ts';

/** Looks again right before acting: the gap gets smaller and stays. */
export default {
  title: 'Read again right before acting',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: ['check twice'],
  hazard: {
    why: 'a rival can commit between the second look and the write',
    under: [],
    cure: 'row-lock',
  },
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: false,
    poolerSafe: true,
    retryNeeded: false,
  },
  compared: 'on request',
} satisfies Strategy;
