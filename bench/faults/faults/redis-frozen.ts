import { outlastsLease, redisFault } from '../redis-faults.ts';

/** It accepts connections and answers nothing; its leases pass meanwhile, and what was sent is done late. */
export default redisFault({
  ...outlastsLease,
  title: 'Redis stands still for longer than a lease (every node of several; SIGSTOP, SIGCONT)',
  phases: ['commit sent', 'granted', 'holding', 'written', 'releasing'],
  async inject({ redis }) {
    for (const server of redis) server.signal('SIGSTOP');
  },
  async heal({ redis }) {
    for (const server of redis) server.signal('SIGCONT');
  },
});
