import Redlock from 'redlock';
import { peer, peerGuardian } from './peer.ts';

/** npm redlock 5.0.0-beta.2 with the settings that it comes with: 10 tries, 200 ms apart. */
export default peer(
  'npm redlock 5.0.0-beta.2, its own settings',
  async ({ redis }, { leaseMs }) => {
    const redlock = new Redlock([redis]);
    return peerGuardian(async keys => {
      const lock = await redlock.acquire([...keys], leaseMs);
      return () => lock.release();
    });
  },
);
