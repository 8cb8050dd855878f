import { strategy } from '../../src/contract/index.ts';
import { leaseGuardian } from '../lib/lease-guardian.ts';
import { redisLeases } from '../lib/redis-leases.ts';
import { redisFailure } from '../lib/redis-script.ts';

/** SET NX PX, but DEL without asking whose key it is: a late release lets a third one in beside the second. */
export default strategy({
  title: 'SET NX PX, and DEL without a token',
  turns: [
    {
      heldBy: 'lease',
      until: 'commit',
      async open(backends, tuning) {
        const leases = redisLeases(backends);
        const give = async ({ keys }: { keys: readonly string[] }): Promise<boolean> =>
          (await backends.redis.del(...keys).catch(error => {
            throw redisFailure(error);
          })) > 0;
        return leaseGuardian({ ...leases, give }, backends, tuning);
      },
    },
  ],
  hazard: {
    why: 'a holder whose lease has passed deletes the key of the next one, and a third gets in',
    under: ['lease lost'],
    cure: 'redis-lease',
  },
  lockSpace: 'redis leases',
  adoption: { newDependency: 'redis' },
  compared: 'on request',
});
