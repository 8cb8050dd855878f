import { forgets, oneNodeFault } from '../redis-faults.ts';

/**
 * Replication is asynchronous: a primary that dies before it has passed on the last writes is followed by
 * one that never heard of the newest locks, while its counters go on from where they were.
 */
export default oneNodeFault({
  ...forgets,
  title: 'Redis fails over to a replica that never got the last writes (one node of several)',
  async prepare({ redis: [first] }) {
    await first?.standBy();
  },
  async inject({ redis: [first] }) {
    await first?.failOver();
  },
});
