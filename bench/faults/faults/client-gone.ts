import type { Fault } from '../fault.ts';
import { until } from '../live-service.ts';
import { serviceRole } from '../run-role.ts';

const cancelledMaxMs = 1_000; // then it is the strategy's affair
const waiting = `
  select pid from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'`;

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
  lastsMs: ({ leaseMs }) => leaseMs,
  async inject({ leave, undefended, lab: { signal }, sql }) {
    await leave();
    if (undefended) return;
    // a backend that waits is cancelled, over a connection of its own
    const nobodyWaits = async (): Promise<boolean> =>
      noRows(await sql(waiting, [serviceRole])) && noRows(await sql(waiting, [serviceRole]));
    await until(nobodyWaits, cancelledMaxMs, 'backends still waited', signal).catch(() => {});
  },
  async heal() {},
} satisfies Fault;

const noRows = (rows: unknown): boolean => Array.isArray(rows) && rows.length === 0;
