import { strategy } from '../src/contract/index.ts';
import { leaseGuardian } from './lib/lease-guardian.ts';
import { redlockLeases } from './lib/redlock-leases.ts';

/**
 * A lease on a majority of independent Redis nodes. It outlives a node; it does not outlive its time,
 * nor a node that comes back without its data while the lease is held.
 */
export default strategy({
  title: 'npm redlock 5 over several independent Redis nodes, with our own deadline and watchdog',
  turns: [
    {
      heldBy: 'lease',
      until: 'commit',
      open: async (backends, tuning) => leaseGuardian(redlockLeases(backends), backends, tuning),
    },
  ],
  lockSpace: 'redlock',
  adoption: { newDependency: 'several redis nodes' },
});
