import type { Strategy } from '../../src/contract/index.ts';

/** One level too low: two transactions that read the same and insert beside it both commit (write skew). */
export default {
  title: 'REPEATABLE READ, with retries',
  store: 'pg',
  wording: 'steps',
  isolation: 'repeatable read',
  turns: [],
  first: [],
  guard: [],
  hazard: {
    why: 'both decide on their own snapshot and write different rows',
    under: [],
    cure: 'serializable',
  },
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: true,
  },
  compared: 'on request',
} satisfies Strategy;
