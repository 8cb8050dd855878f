import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FakeClock, fakeClock } from '../fake-clock.ts';
import type { Fault } from '../fault.ts';
import { fakeTimeNeed } from '../needs.ts';
import { replaceService } from '../replace.ts';
import type { Lab } from '../stage.ts';

const hour = 3_600; // seconds
const clocks = new WeakMap<Lab, FakeClock>();
const control = `../controls/wall-clock-lease${extname(import.meta.url)}`;

/** NTP after a long silence, or an operator: the time of day jumps, and the monotonic clock does not. */
export default {
  title: 'The clock of the service is stepped an hour forward, and back (libfaketime)',
  strikes: 'process',
  events: [],
  harm: 'violation',
  control: { file: fileURLToPath(new URL(control, import.meta.url)) },
  phases: [
    'commit sent',
    'written',
    'holding',
    'granted',
    'commit applied',
    'releasing',
    'waiting',
  ],
  needs: [fakeTimeNeed],
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async surroundings(lab) {
    const clock = await fakeClock(lab);
    clocks.set(lab, clock);
    await replaceService(lab.service, clock.environment);
    return {
      async close() {
        await replaceService(lab.service);
        await clock.close();
      },
    };
  },
  async inject({ lab }) {
    await clocks.get(lab)?.step(hour);
  },
  async heal({ lab }) {
    await clocks.get(lab)?.step(-hour);
  },
} satisfies Fault;
