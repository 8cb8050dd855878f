import { strategy } from '../../src/contract/index.ts';
import { keyMutexGuardian } from '../lib/key-mutex.ts';

/** A lock in one process: right until there is a second process. */
export default strategy({
  title: 'A mutex inside one process (async-mutex)',
  turns: [
    {
      heldBy: 'process',
      until: 'commit',
      open: async ({ now }) => keyMutexGuardian(now),
    },
  ],
  hazard: {
    why: 'each process has its own mutex',
    under: ['several processes'],
    cure: 'row-lock',
  },
});
