import type { Fault } from '../fault.ts';

/** A crash: nothing that the process meant to do afterwards is done, and its connections end. */
export default {
  title: 'The process that serves the command is killed (SIGKILL)',
  strikes: 'process',
  events: ['crash'],
  harm: 'lock left behind',
  control: { hazardsUnder: 'crash' },
  phases: [
    'granted',
    'holding',
    'written',
    'commit sent',
    'commit applied',
    'releasing',
    'waiting',
  ],
  needs: [],
  lastsMs: ({ leaseMs }) => 2 * leaseMs,
  async inject({ process }) {
    process.signal('SIGKILL');
  },
  async heal({ process }) {
    await process.back();
  },
} satisfies Fault;
