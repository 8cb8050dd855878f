import type { Fault } from '../fault.ts';

/** A firewall that forgot its connections: nothing arrives any more, and neither end is told. */
export default {
  title: 'The way to Postgres goes silent without a reset, in both directions (half-open)',
  strikes: 'network',
  events: ['session lost'],
  harm: 'outage',
  control: 'no protection',
  phases: ['commit applied', 'commit sent', 'written', 'holding'],
  needs: [],
  lastsMs: ({ leaseMs }) => 1.5 * leaseMs,
  leastMs: ({ leaseMs }) => 1.2 * leaseMs,
  async inject({ wires }) {
    wires.postgres.goSilent();
  },
  async heal({ wires }) {
    wires.postgres.speakAgain();
  },
} satisfies Fault;
