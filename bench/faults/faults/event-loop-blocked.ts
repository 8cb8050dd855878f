import { evaluateIn } from '../inspector.ts';
import type { Stage } from '../stage.ts';
import { stalled } from '../stalled.ts';

const share = 1.5; // of a lease
const arrivesMs = 300; // what was on its way arrives before the process looks
const blocked = new WeakMap<Stage, Promise<void>>();

/**
 * A long computation on the main thread: the process runs, the kernel answers for it, and neither its
 * watchdog nor its own clock is looked at.
 */
export default stalled({
  title: 'The event loop of the process that serves the command is blocked for longer than a lease',
  lastsMs: ({ leaseMs }) => share * leaseMs,
  leastMs: ({ leaseMs }) => share * leaseMs,
  async inject(stage) {
    const { process, times } = stage;
    const busy = `{ const end = Date.now() + ${share * times.leaseMs + arrivesMs}; while (Date.now() < end); }`;
    const { done } = await evaluateIn(process.pid, busy);
    blocked.set(stage, done);
  },
  async heal(stage) {
    stage.letPass();
    await blocked.get(stage);
  },
});
