import { down } from '../redis-faults.ts';

/** What several nodes are for: writers go on with the others. Who has only one stands still. */
export default down(
  'One Redis node is down for longer than a lease (of several, or the only one)',
  1,
);
