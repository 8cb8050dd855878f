import { down } from '../redis-faults.ts';

/** A majority is gone: nobody gets a lock, and whoever holds one cannot prolong it. */
export default down(
  'Two Redis nodes are down for longer than a lease (of three, or the only one)',
  2,
);
