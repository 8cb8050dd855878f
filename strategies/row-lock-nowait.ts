import { strategy } from '../src/contract/index.ts';

/** Locks the deciding row or gives up at once: nobody waits, and the caller tries again. */
export default strategy({
  title: 'SELECT … FOR NO KEY UPDATE NOWAIT, busy at once',
  guard: ['lock row, nowait'],
  adoption: { retryNeeded: true },
  compared: 'on request',
});
