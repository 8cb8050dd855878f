import { type FakeClock, fakeClock } from '../fake-clock.ts';
import { until } from '../live-service.ts';
import { fakeTimeNeed } from '../needs.ts';
import { forgets, oneNodeFault } from '../redis-faults.ts';
import type { Lab, StruckRedis } from '../stage.ts';

const hour = 3_600; // seconds: every lease has passed
const clocks = new WeakMap<Lab, FakeClock>();

/** Redis ends leases by the time of day: those of this node end at once. */
export default oneNodeFault({
  ...forgets,
  title: 'The clock of one Redis node is stepped an hour forward (of several, or the only one)',
  needs: [fakeTimeNeed],
  async surroundings(lab) {
    const clock = await fakeClock(lab);
    clocks.set(lab, clock);
    await restarted(lab, clock.environment);
    return {
      async close() {
        await restarted(lab, {});
        await clock.close();
      },
    };
  },
  async inject({ lab }) {
    await clocks.get(lab)?.step(hour);
  },
});

/** The only one, and the first of several, with the service connected to them again. */
async function restarted(
  { redis, service, signal }: Lab,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const [first] = redis.nodes;
  const servers = first ? [redis.one, first] : [redis.one];
  for (const server of servers) {
    await server.kill();
    await server.restart(environment);
  }
  const all = service.processes.length + 1; // and who asks
  const connected = async (server: StruckRedis): Promise<boolean> => {
    const said = String(await server.say('info', 'clients'));
    return Number(/connected_clients:(\d+)/.exec(said)?.[1] ?? 0) >= all;
  };
  for (const server of servers)
    await until(() => connected(server), 10_000, `nobody came back to ${server.name}`, signal);
}
