/**
 * A program that opens services and then ends in the way that its first argument names; what the
 * tests do to it is what users, crashes and operating systems do to ours.
 */
import { openServices } from '../../src/services/index.ts';
import { usualRedisPlaces } from '../../src/services/redis-binaries.ts';

const [, , end = 'wait', nodes = '0', redis = 'any'] = process.argv;
// 'packaged': as where no Redis is installed.
const places = redis === 'packaged' ? { redis: { ...usualRedisPlaces(), folders: [] } } : {};
const services = await openServices({
  redisNodeCount: Number(nodes),
  durable: false,
  places,
  report: line => process.stderr.write(`${line}\n`),
});
const servers = [services.postgres, services.redis, ...services.redisNodes];
const pids = [services.keeper.pid, ...servers.map(({ pid }) => pid)];
process.stdout.write(`${JSON.stringify({ pids, urls: servers.map(({ url }) => url) })}\n`);

if (end === 'close') await services.close();
if (end === 'throw') throw new Error('a fault of the program');
if (end === 'exit') process.exit(5);
if (end === 'close on SIGINT') {
  process.on('SIGINT', () => void services.close().then(() => process.exit(130)));
}
// 'return': nothing is called; the program has no more to do.
if (end === 'wait' || end === 'close on SIGINT') setInterval(() => {}, 60_000);
