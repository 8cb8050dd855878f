import { strategy } from '../src/contract/index.ts';

/** Keeps every other writer of the table out: correct, and as wide as a lock can be. */
export default strategy({
  title: 'LOCK TABLE … IN SHARE ROW EXCLUSIVE MODE',
  guard: ['lock table'],
  compared: 'on request',
});
