import { emptied } from '../redis-faults.ts';

/** What several nodes are for: one of them forgets, the others remember. For a single one it is all there is. */
export default emptied(
  'One Redis node is killed and comes back empty (of several, or the only one)',
  'one',
);
