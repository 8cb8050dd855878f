import Redlock from 'redlock';
import { peer, peerGuardian } from './peer.ts';

/** npm redlock 5.0.0-beta.2 with its defaults: 10 retries, 200 ms apart. */
export default peer('npm redlock 5.0.0-beta.2, defaults', async ({ redis }, { leaseMs }) => {
  const redlock = new Redlock([redis]);
  return peerGuardian(async keys => {
    const lock = await redlock.acquire([...keys], leaseMs);
    return () => lock.release();
  });
});
