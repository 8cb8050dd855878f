import { strategy } from '../../src/contract/index.ts';
import { queuedGuardian } from '../lib/queued-guardian.ts';

const tidyUpMs = 2; // what a framework does between the end of the work and COMMIT

/**
 * The right lease, given back before COMMIT: the next one, who is told at once, looks before the
 * effect is visible.
 */
export default strategy({
  title: 'A Redis lease that is handed on before COMMIT',
  turns: [
    {
      heldBy: 'lease',
      until: 'rule ends',
      async open(backends, tuning) {
        const queued = await queuedGuardian(backends, tuning);
        return {
          async turn(attempt, keys, inner) {
            const result = await queued.turn(attempt, keys, inner);
            await backends.sleep(tidyUpMs);
            return result;
          },
          close: () => queued.close(),
        };
      },
    },
  ],
  hazard: {
    why: 'the next command looks after the release and before COMMIT',
    under: [],
    cure: 'redis-lease-queued',
  },
  lockSpace: 'redis leases',
  adoption: { newDependency: 'redis' },
  compared: 'on request',
});
