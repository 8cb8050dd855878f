import type { Fault } from '../fault.ts';

const noticedMs = 150; // the service hears of it before it has the lock

/** A time limit of the caller: whoever waits for it has done nothing yet, and is to do nothing any more. */
export default {
  title: 'The callers of the command and of those behind it close their connections',
  strikes: 'client',
  events: [],
  harm: 'work for nobody',
  manner: 'leaves',
  control: { without: 'the service is not told that its caller has left' },
  phases: [
    'waiting',
    'holding',
    'written',
    'granted',
    'commit sent',
    'commit applied',
    'releasing',
  ],
  needs: [],
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async inject({ leave, pause }) {
    leave();
    await pause(noticedMs);
  },
  async heal() {},
} satisfies Fault;
