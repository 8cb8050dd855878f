import { strategy } from '../src/contract/index.ts';
import { fencedLeases } from './lib/fenced-leases.ts';
import { leaseGuardian } from './lib/lease-guardian.ts';

/**
 * The deciding read claims the row for the token of the lease (`where fence < $token`), and the write
 * proves that it is still so (`fence = $token`), in one transaction. Safe by the row lock that the claim
 * takes, whatever becomes of the lease: the lease is its queue.
 */
export default strategy({
  title: 'A Redis lease whose token claims the row before the look',
  turns: [
    {
      heldBy: 'lease',
      until: 'commit',
      oneServer:
        'one script takes the locks and counts the token, which a cluster keeps on different nodes',
      open: async (backends, tuning) => leaseGuardian(fencedLeases(backends), backends, tuning),
    },
  ],
  guard: ['fence read'],
  lockSpace: 'redis leases',
  adoption: { migration: 'column', newDependency: 'redis', retryNeeded: true },
  compared: 'on request',
});
