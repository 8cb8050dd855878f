import { strategy } from '../src/contract/index.ts';
import { leaseGuardian } from './lib/lease-guardian.ts';
import { redisLeases } from './lib/redis-leases.ts';

/**
 * A lease in one Redis, polled for with full jitter and extended while the work runs. It excludes as
 * long as the lease lives: a holder that stalls longer than that is told, but nothing refuses it.
 */
export default strategy({
  title: 'SET NX PX with an owner token, polling, watchdog, compare-and-delete',
  turns: [
    {
      heldBy: 'lease',
      until: 'commit',
      open: async (backends, tuning) => leaseGuardian(redisLeases(backends), backends, tuning),
    },
  ],
  lockSpace: 'redis leases',
  adoption: { newDependency: 'redis' },
});
