import type { Fault } from '../fault.ts';

/** Out of memory, all at once: who starts them again is the one process that is left. */
export default {
  title: 'Every process that serves is killed (SIGKILL), and replaced by the primary',
  strikes: 'process',
  events: ['crash'],
  harm: 'outage',
  control: 'no protection',
  phases: [
    'commit sent',
    'commit applied',
    'written',
    'holding',
    'granted',
    'releasing',
    'waiting',
  ],
  needs: [],
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async inject({ service }) {
    for (const process of service.processes) process.signal('SIGKILL');
  },
  async heal({ service }) {
    await Promise.all(service.processes.map(process => process.back()));
  },
} satisfies Fault;
