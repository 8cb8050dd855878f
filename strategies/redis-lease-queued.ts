import { strategy } from '../src/contract/index.ts';
import { queuedGuardian } from './lib/queued-guardian.ts';

/**
 * A lease in one Redis that its holder hands to whoever has waited longest, with a message: nobody
 * polls for a free key, nobody overtakes. Excludes as long as the lease lives, as `redis-lease` does.
 */
export default strategy({
  title: 'A Redis lease that is handed on in the order of arrival, with a wake-up',
  turns: [
    {
      heldBy: 'lease',
      until: 'commit',
      oneServer:
        'its hand-off counts who listens, and a node of a cluster knows its own listeners only',
      open: queuedGuardian,
    },
  ],
  lockSpace: 'redis leases',
  adoption: { newDependency: 'redis' },
  compared: 'on request',
});
