import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Strategy } from '../../src/contract/index.ts';
import redisSetnxExpire from '../../strategies/hazards/redis-setnx-expire.ts';
import { lockKey } from '../../strategies/lib/redis-leases.ts';
import redisLease from '../../strategies/redis-lease.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { type Actor, actor } from './redis-actor.ts';

const servers = await ownRedisServers(1);
const [server] = servers;
if (!server) throw new Error('one server was asked for');
const key = 'hazards/1';
let open: Actor[] = [];

beforeEach(() => server.fresh());
afterEach(async () => {
  await server.admin.acl('SETUSER', 'default', '+pexpire');
  await Promise.all(open.map(one => one.close()));
  open = [];
});

const opened = async (strategy: Strategy): Promise<Actor> => {
  const made = await actor(strategy, servers, { leaseMs: 200 });
  open.push(made);
  return made;
};

/** Ends what an actor sends after its first command, as a crash there would. */
const cutAfterFirstCommand = () => server.admin.acl('SETUSER', 'default', '-pexpire');

test('stuck: redis-setnx-expire leaves a key without an end when it dies between its commands', async () => {
  const [a, b] = [await opened(redisSetnxExpire), await opened(redisSetnxExpire)];
  await cutAfterFirstCommand();
  await expect(a.turn(key, async () => 'in')).rejects.toMatchObject({ code: 'redis-unavailable' });
  expect(await server.admin.pttl(lockKey(key))).toBe(-1);
  // five times as long as the lease
  await expect(b.turn(key, async () => 'in', 1_000)).rejects.toMatchObject({
    code: 'turn-refused',
  });
});

test('stuck: redis-lease sets the key and its end in one command', async () => {
  const [a, b] = [await opened(redisLease), await opened(redisLease)];
  await cutAfterFirstCommand();
  const next = a.turn(key, async () => {
    a.backends.redis.disconnect(); // A dies while holding
    return b.turn(key, async () => 'next', 1_000);
  });
  expect(await next).toBe('next');
});
