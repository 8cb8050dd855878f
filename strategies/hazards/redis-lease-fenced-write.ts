import { strategy } from '../../src/contract/index.ts';
import { fencedLeases } from '../lib/fenced-leases.ts';
import { leaseGuardian } from '../lib/lease-guardian.ts';

/**
 * The fence of the textbooks: only the write is checked. It refuses the older of two holders once the
 * newer one has written; one that has only read decides on what the older one then overwrites.
 */
export default strategy({
  title: 'A Redis lease whose token is checked by the write alone',
  turns: [
    {
      heldBy: 'lease',
      until: 'commit',
      oneServer:
        'one script takes the locks and counts the token, which a cluster keeps on different nodes',
      open: async (backends, tuning) => leaseGuardian(fencedLeases(backends), backends, tuning),
    },
  ],
  guard: ['fence write'],
  hazard: {
    why: 'a newer holder that has only read leaves no mark, so the write of an older one passes',
    under: ['lease lost'],
    cure: 'redis-lease-fenced',
  },
  lockSpace: 'redis leases',
  adoption: { migration: 'column', newDependency: 'redis', retryNeeded: true },
  compared: 'on request',
});
