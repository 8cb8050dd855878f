import Redlock from 'redlock-4';
import { peer, peerGuardian } from './peer.ts';
import { callerOf } from './redlock-4-caller.ts';

/** npm redlock 4.2.0, the `latest` tag, with its defaults. */
export default peer('npm redlock 4.2.0, defaults', async ({ redis }, { leaseMs }) => {
  const redlock = new Redlock([callerOf(redis)]);
  return peerGuardian(async keys => {
    const lock = await redlock.lock(keys, leaseMs);
    return async () => redlock.unlock(lock);
  });
});
