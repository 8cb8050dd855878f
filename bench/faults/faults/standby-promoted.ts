import { standbyFault } from '../standby-faults.ts';

/**
 * Streaming replication is asynchronous unless somebody says otherwise: what was committed and not sent
 * when the primary died is gone, whoever was told of it, and whatever lock was held.
 */
export default standbyFault({
  title: 'Postgres is killed, and its asynchronous standby takes over without the last writes',
  forgets: true,
  inStep: false,
  control: 'no protection',
  phases: ['commit sent', 'written', 'holding'],
});
