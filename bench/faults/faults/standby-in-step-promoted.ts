import { standbyFault } from '../standby-faults.ts';

/** What `synchronous_standby_names` is for: nobody is told of a commit that only the primary has. */
export default standbyFault({
  title:
    'Postgres is killed, and a standby takes over for which every COMMIT waited (remote_apply)',
  inStep: true,
  control: { without: 'COMMIT does not wait for the standby' },
  phases: ['commit sent', 'written', 'holding'],
});
