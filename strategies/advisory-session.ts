import { strategy } from '../src/contract/index.ts';
import { sessionLockGuardian } from './lib/session-lock.ts';

/** A session-level advisory lock on a connection of its own: it lives and dies with that connection. */
export default strategy({
  title: 'pg_advisory_lock on a pinned connection, unlocked after COMMIT',
  turns: [{ heldBy: 'session', until: 'commit', open: sessionLockGuardian }],
  lockSpace: 'postgres advisory locks',
  adoption: { poolerSafe: false },
  compared: 'on request',
});
