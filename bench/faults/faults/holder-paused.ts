import { stalled } from '../stalled.ts';

const arrivesMs = 50;

/**
 * A stall (a swapped-out machine, a migrated guest): the process loses its lease and does not know,
 * while what it has sent is still on its way.
 */
export default stalled({
  title:
    'The process that serves the command stands still for longer than a lease (SIGSTOP, SIGCONT)',
  lastsMs: ({ leaseMs }) => 1.5 * leaseMs,
  leastMs: ({ leaseMs }) => 1.2 * leaseMs,
  async inject({ process }) {
    process.signal('SIGSTOP');
  },
  async heal({ process, letPass, pause }) {
    letPass(); // what was on its way arrives first
    await pause(arrivesMs);
    process.signal('SIGCONT');
  },
});
