import type { Strategy } from '../../src/contract/index.ts';

/** Checks, then acts: the control. Where this one is not seen to fail, nothing else was tested. */
export default {
  title: 'Check, then act',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: [],
  hazard: {
    why: 'two commands look before either has written',
    under: [],
    cure: 'row-lock',
  },
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: false,
    poolerSafe: true,
    retryNeeded: false,
  },
} satisfies Strategy;
