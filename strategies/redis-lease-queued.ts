import type { Strategy } from '../src/contract/index.ts';
import { queuedGuardian } from './lib/queued-guardian.ts';

/**
 * A lease in one Redis that its holder hands to whoever has waited longest, with a message: nobody
 * polls for a free key, nobody overtakes. Excludes as long as the lease lives, as `redis-lease` does.
 */
export default {
  title: 'A Redis lease that is handed on in the order of arrival, with a wake-up',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [{ heldBy: 'lease', until: 'commit', open: queuedGuardian }],
  first: [],
  guard: [],
  lockSpace: 'redis leases',
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    newDependency: 'redis',
    poolerSafe: true,
    retryNeeded: false,
  },
  compared: 'on request',
} satisfies Strategy;
