import type { Strategy } from '../src/contract/index.ts';
import { sessionLockGuardian } from './lib/session-lock.ts';

/** A session-level advisory lock on a connection of its own: it lives and dies with that connection. */
export default {
  title: 'pg_advisory_lock on a pinned connection, unlocked after COMMIT',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [{ heldBy: 'session', until: 'commit', open: sessionLockGuardian }],
  first: [],
  guard: [],
  lockSpace: 'postgres advisory locks',
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: false,
    retryNeeded: false,
  },
  compared: 'on request',
} satisfies Strategy;
