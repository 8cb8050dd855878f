import Redlock from 'redlock-4';
import { peer, peerGuardian } from './peer.ts';
import { callerOf } from './redlock-4-caller.ts';

const retryDelay = 5;
const retryJitter = 5;

/** npm redlock 4.2.0, retrying every 5 to 10 ms for as long as a command may wait. */
export default peer(
  'npm redlock 4.2.0, retrying every 5 ms',
  async ({ redis }, { leaseMs, waitMs }) => {
    const retryCount = Math.ceil(waitMs / retryDelay);
    const redlock = new Redlock([callerOf(redis)], { retryCount, retryDelay, retryJitter });
    return peerGuardian(async keys => {
      const lock = await redlock.lock(keys, leaseMs);
      return async () => redlock.unlock(lock);
    });
  },
);
