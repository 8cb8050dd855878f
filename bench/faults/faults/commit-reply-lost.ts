import type { Fault } from '../fault.ts';

/** It is done, and nobody knows: the one end that only the caller can find out, by asking again. */
export default {
  title: 'COMMIT is applied, and the connection is reset before its reply arrives',
  strikes: 'network',
  events: [],
  harm: 'violation',
  manner: 'asks again',
  control: { without: 'its caller repeats the command without the Idempotency-Key' },
  phases: ['commit applied'],
  needs: [],
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async inject({ resetHeld }) {
    resetHeld();
  },
  async heal() {},
} satisfies Fault;
