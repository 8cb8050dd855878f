import { Mutex } from 'redis-semaphore';
import { peer, peerGuardian } from './peer.ts';

/** npm redis-semaphore 5.8 with its defaults: polls every 10 ms and extends the lease while held. */
export default peer('npm redis-semaphore 5.8, defaults', async ({ redis }, { leaseMs, waitMs }) =>
  peerGuardian(async keys => {
    const options = { lockTimeout: leaseMs, acquireTimeout: waitMs, onLockLost: () => {} };
    const held: Mutex[] = [];
    const release = () => Promise.all(held.map(mutex => mutex.release()));
    try {
      for (const key of keys) {
        const mutex = new Mutex(redis, key, options);
        await mutex.acquire();
        held.push(mutex);
      }
    } catch (error) {
      await release();
      throw error;
    }
    return release;
  }),
);
