import { strategy } from '../src/contract/index.ts';

/** Locks the parent and updates it: whoever waited with an old snapshot gets 40001 and looks again. */
export default strategy({
  title: 'A parent lock under REPEATABLE READ, and the parent touched',
  isolation: 'repeatable read',
  guard: ['lock row', 'touch'],
  adoption: { retryNeeded: true },
  compared: 'on request',
});
