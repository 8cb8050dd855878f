import { strategy } from '../src/contract/index.ts';
import { leaseGuardian } from './lib/lease-guardian.ts';
import { redlock4Leases } from './lib/redlock-4-leases.ts';

/** As `redlock`, by the library's released version. A frozen node slows every turn: it waits for all votes. */
export default strategy({
  title: 'npm redlock 4.2 over several independent Redis nodes, with our own deadline and watchdog',
  turns: [
    {
      heldBy: 'lease',
      until: 'commit',
      open: async (backends, tuning) => leaseGuardian(redlock4Leases(backends), backends, tuning),
    },
  ],
  lockSpace: 'redlock',
  adoption: { newDependency: 'several redis nodes' },
  compared: 'on request',
});
