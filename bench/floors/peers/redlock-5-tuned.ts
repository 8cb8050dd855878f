import Redlock from 'redlock';
import { peer, peerGuardian } from './peer.ts';

const retryDelay = 5;
const retryJitter = 5;

/** npm redlock 5.0.0-beta.2, retrying every 5 to 10 ms for as long as a command may wait. */
export default peer(
  'npm redlock 5.0.0-beta.2, retrying every 5 ms',
  async ({ redis }, { leaseMs, waitMs }) => {
    const retryCount = Math.ceil(waitMs / retryDelay);
    const redlock = new Redlock([redis], { retryCount, retryDelay, retryJitter });
    return peerGuardian(async keys => {
      const lock = await redlock.acquire([...keys], leaseMs);
      return () => lock.release();
    });
  },
);
