import { forgets, redisFault } from '../redis-faults.ts';
import type { StruckRedis } from '../stage.ts';

const fillers = 400;
const filler = 'x'.repeat(4_096);

/** Memory pressure under a policy that may evict what has an end: locks go before anything else. */
export default redisFault({
  ...forgets,
  title: 'Redis evicts locks under memory pressure (maxmemory-policy volatile-ttl)',
  async inject({ redis }) {
    await Promise.all(redis.map(press));
  },
  async heal({ redis }) {
    await Promise.all(redis.map(ease));
  },
});

/** Fills it up until nothing that has an end is left, then makes room again. */
async function press(server: StruckRedis): Promise<void> {
  const [, used = '0'] = /used_memory:(\d+)/.exec(String(await server.say('info', 'memory'))) ?? [];
  await server.say('config', 'set', 'maxmemory-policy', 'volatile-ttl');
  await server.say('config', 'set', 'maxmemory', String(Number(used) + 256 * 1_024));
  const script = `for i = 1, ${fillers} do redis.call('set', 'filler' .. i, ARGV[1]) end`;
  await server.say('eval', script, '0', filler).catch(() => {}); // full: that is the point
  await ease(server);
}

async function ease(server: StruckRedis): Promise<void> {
  await server.say('config', 'set', 'maxmemory', '0');
  await server.say('config', 'set', 'maxmemory-policy', 'noeviction');
  await server.say('eval', `for i = 1, ${fillers} do redis.call('del', 'filler' .. i) end`, '0');
}
