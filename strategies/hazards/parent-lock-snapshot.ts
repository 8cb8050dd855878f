import { strategy } from '../../src/contract/index.ts';

/** A bare lock on the parent under REPEATABLE READ: the waiter gets the lock and keeps its old snapshot. */
export default strategy({
  title: 'A parent lock under REPEATABLE READ, nothing touched',
  isolation: 'repeatable read',
  guard: ['lock row'],
  hazard: {
    why: 'whoever waited for the lock still counts in the snapshot from before',
    under: [],
    cure: 'parent-lock-touch',
  },
  adoption: { retryNeeded: true },
  compared: 'on request',
});
