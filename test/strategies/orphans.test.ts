import { afterEach, expect, test } from 'vitest';
import { Orphans } from '../../strategies/lib/orphans.ts';
import redisLease from '../../strategies/redis-lease.ts';
import { until } from '../fixtures/gate.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { type Actor, actor } from './redis-actor.ts';

const servers = await ownRedisServers(1);
const [server] = servers;
if (!server) throw new Error('one server was asked for');
let open: Actor | undefined;
afterEach(async () => {
  await open?.close();
  await server.fresh();
});

/** A clear-up on a real connection that counts how often it was tried. */
async function counted() {
  open = await actor(redisLease, servers);
  const { redis, sleep } = open.backends;
  const orphans = new Orphans({ sleep });
  const tries = { count: 0 };
  const clear = (command: () => Promise<unknown>) => () => {
    tries.count += 1;
    return command();
  };
  return { redis, orphans, tries, clear, sleep };
}

test('a clear-up goes on while the server is away, and ends with the first answer', async () => {
  const { redis, orphans, tries, clear } = await counted();
  await server.kill();
  await until('the connection is gone', () => redis.status !== 'ready');
  orphans.add(clear(() => redis.del('left')));
  await until('it was tried several times', () => tries.count > 5);
  await server.start();
  await server.admin.set('left', 'behind');
  await until('it is cleared away', async () => (await server.admin.exists('left')) === 0);
});

test('while the server is away, one of many asks for all of them', async () => {
  const { redis, orphans, tries, clear } = await counted();
  await server.kill();
  await until('the connection is gone', () => redis.status !== 'ready');
  const many = 500;
  for (let n = 0; n < many; n += 1) orphans.add(clear(() => redis.incr('cleared')));
  await until('it was tried several times', () => tries.count >= many + 5);
  expect(tries.count).toBeLessThan(many + 50);
  await server.start();
  await until('all are done', async () => (await server.admin.get('cleared')) === String(many));
});

test('an answer that is an error ends a clear-up; one that passes does not', async () => {
  const { redis, orphans, tries, clear } = await counted();
  await server.admin.rpush('list', 'one');
  orphans.add(clear(() => redis.get('list')));
  await server.admin.set('left', 'behind');
  await server.admin.call('REPLICAOF', '127.0.0.1', '1'); // from here on it is read-only
  let refused = 0;
  orphans.add(async () => {
    refused += 1;
    await redis.del('left');
  });
  await until('it was tried several times', () => refused > 4);
  expect(tries.count).toBe(1);
  await server.admin.call('REPLICAOF', 'NO', 'ONE');
  await until('it is cleared away', async () => (await server.admin.exists('left')) === 0);
});

test('closing ends it', async () => {
  const { redis, orphans, tries, clear, sleep } = await counted();
  await server.kill();
  await until('the connection is gone', () => redis.status !== 'ready');
  orphans.add(clear(() => redis.del('left')));
  await until('it was tried several times', () => tries.count > 3);
  orphans.close();
  const tried = tries.count;
  await server.start();
  await until('it is connected again', () => redis.status === 'ready');
  const other = new Orphans({ sleep });
  let others = 0;
  other.add(async () => {
    others += 1;
    throw new Error('no answer');
  });
  await until('one that is open has had its longest pauses', () => others > 6);
  other.close();
  expect(tries.count).toBe(tried);
});
