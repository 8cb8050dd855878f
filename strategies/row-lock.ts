import { strategy } from '../src/contract/index.ts';

/** Locks the deciding row before looking: whoever comes second waits at the row until COMMIT. */
export default strategy({
  title: 'SELECT … FOR NO KEY UPDATE on the deciding row',
  guard: ['lock row'],
});
