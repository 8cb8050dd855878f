import type { Fault } from '../fault.ts';
import type { Stage, StruckPrimary } from '../stage.ts';

const killed = new WeakMap<Stage, StruckPrimary>();

/** Its processes notice, and end what they have begun; whoever started it starts another. */
export default {
  title: 'The primary process is killed (SIGKILL), and another service is started',
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
  async inject(stage) {
    const { primary } = stage.service;
    killed.set(stage, primary);
    primary.signal('SIGKILL');
  },
  async heal(stage) {
    stage.letPass(); // whoever ends in peace waits for it
    await killed.get(stage)?.gone();
    const serve = await stage.service.another();
    serve();
  },
} satisfies Fault;
