import type { Strategy } from '../../src/contract/index.ts';
import { keyMutexGuardian } from '../lib/key-mutex.ts';

/** A lock in one process: right until there is a second process. */
export default {
  title: 'A mutex inside one process (async-mutex)',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [
    {
      heldBy: 'process',
      until: 'commit',
      open: async ({ now }) => keyMutexGuardian(now),
    },
  ],
  first: [],
  guard: [],
  hazard: {
    why: 'each process has its own mutex',
    under: ['several processes'],
    cure: 'row-lock',
  },
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
} satisfies Strategy;
