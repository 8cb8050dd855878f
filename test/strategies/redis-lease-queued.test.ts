import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Strategy } from '../../src/contract/index.ts';
import { lockKey } from '../../strategies/lib/redis-leases.ts';
import redisLease from '../../strategies/redis-lease.ts';
import redisLeaseQueued from '../../strategies/redis-lease-queued.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { realTime } from '../fixtures/real-time.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { type Actor, actor, leaseTuning } from './redis-actor.ts';

/** What handing on adds: order, wake-ups, and waiters that die or stand still. */
const servers = await ownRedisServers(1);
const [server] = servers;
if (!server) throw new Error('one server was asked for');
const key = 'queue/1';
const queueKey = `lockstep:queue:${key}`;
let open: Actor[] = [];

beforeEach(() => server.fresh());
afterEach(async () => {
  await Promise.all(open.map(one => one.close()));
  open = [];
});

const opened = async (strategy: Strategy = redisLeaseQueued, tuning = {}): Promise<Actor> => {
  const made = await actor(strategy, servers, tuning);
  open.push(made);
  return made;
};

const waiting = (count: number): Promise<void> =>
  until(`${count} wait`, async () => (await server.admin.zcard(queueKey)) === count);

/** Holds the key until `end` is called. */
const hold = async (by: Actor): Promise<{ end(): Promise<void> }> => {
  const gate = new Gate();
  const turn = by.turn(key, () => gate.pass());
  await gate.arrived;
  return {
    end: () => {
      gate.open();
      return turn;
    },
  };
};

const messagesTo = async (): Promise<number> =>
  Number(/cmdstat_publish:calls=(\d+)/.exec(await server.admin.info('commandstats'))?.[1] ?? 0);

/** A waiter that took its place and will never ask again, on the channel of a connection or of none. */
const deadWaiter = async (channel: string, aliveMs: number, leaseMs: number): Promise<void> => {
  const microseconds = (await server.admin.time()).map(Number);
  const nowUs = (microseconds[0] ?? 0) * 1e6 + (microseconds[1] ?? 0);
  const token = `${channel}|${leaseMs}|dead`;
  await server.admin.zadd(queueKey, nowUs, token);
  await server.admin.hset(`lockstep:seen:${key}`, token, nowUs + aliveMs * 1_000);
};

describe('redis-lease-queued', realTime, () => {
  test('waiters of several processes get their turn in the order of arrival', async () => {
    const actors = [await opened(), await opened(), await opened()];
    const [first] = actors;
    if (!first) throw new Error('three were opened');
    const holder = await hold(first);
    const order: number[] = [];
    const turns: Promise<void>[] = [];
    for (let n = 0; n < 9; n += 1) {
      const turn = actors[n % actors.length]?.turn(key, async () => void order.push(n));
      turns.push(turn ?? Promise.resolve());
      await waiting(n + 1);
    }
    await holder.end();
    await Promise.all(turns);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await server.admin.dbsize()).toBe(0);
  });

  test('thundering-herd: 200 wait, and a release wakes one of them', async () => {
    const actors = await Promise.all([opened(), opened(), opened(), opened()]);
    const herd = 200;
    const [owner] = actors;
    if (!owner) throw new Error('four were opened');
    const holder = await hold(owner);
    const gate = new Gate();
    let served = 0;
    const turns = Array.from({ length: herd }, (_, index) =>
      actors[index % actors.length]?.turn(key, async () => {
        served += 1;
        if (served === 1) await gate.pass();
      }),
    );
    await waiting(herd);
    const before = await messagesTo();
    await holder.end();
    await gate.arrived;
    expect((await messagesTo()) - before).toBe(1);
    expect(await server.admin.zcard(queueKey)).toBe(herd - 1);
    gate.open();
    await Promise.all(turns);
    expect(served).toBe(herd);
    expect((await messagesTo()) - before).toBeLessThanOrEqual(herd);
  });

  test('a free key is handed on with one message', async () => {
    const [a, b] = [await opened(), await opened()];
    const holder = await hold(a);
    const waiter = b.turn(key, async () => 'in');
    await waiting(1);
    const before = await messagesTo();
    await holder.end();
    expect(await waiter).toBe('in');
    expect(await messagesTo()).toBe(before + 1);
  });

  test('a waiter whose process is gone is passed over at once', async () => {
    const [a, b, c] = [await opened(), await opened(), await opened()];
    const holder = await hold(a);
    const gone = b.turn(key, async () => 'never').catch(() => 'gone');
    await waiting(1);
    const behind = c.turn(key, () => server.admin.pttl(lockKey(key)));
    await waiting(2);
    b.backends.redis.disconnect(); // as its end would
    await b.close();
    await until('nobody listens there', async () => {
      return (await server.admin.pubsub('CHANNELS', 'lockstep:wake:*')).length === 2;
    });
    await holder.end();
    expect(await behind).toBeGreaterThan(0);
    expect(await gone).toBe('gone');
  });

  test('a waiter that stands still is passed over, once it has not asked for a while', async () => {
    const [a, b] = [await opened(), await opened()];
    const holder = await hold(a);
    const frozen = server.admin.duplicate();
    try {
      await frozen.subscribe('frozen');
      await deadWaiter('frozen', 0, 60_000);
      const behind = b.turn(key, async () => 'in');
      await waiting(2);
      await holder.end();
      expect(await behind).toBe('in');
    } finally {
      frozen.disconnect();
    }
  });

  test('crash-holder: a waiter that dies with the lock in hand holds it for its lease, not longer', async () => {
    const [a, b] = [await opened(), await opened()];
    const holder = await hold(a);
    const frozen = server.admin.duplicate();
    try {
      await frozen.subscribe('frozen');
      await deadWaiter('frozen', 60_000, 400); // alive for all that anybody knows
      const behind = b.turn(key, async () => 'in', 3_000);
      await waiting(2);
      await holder.end();
      expect(await server.admin.get(lockKey(key))).toBe('frozen|400|dead');
      expect(await behind).toBe('in');
    } finally {
      frozen.disconnect();
    }
  });

  test('a lock is kept for who is called for a second, and then for a whole lease', async () => {
    const [a, b] = [await opened(), await opened()];
    const holder = await hold(a);
    const waiter = b.turn(key, () => server.admin.pttl(lockKey(key)));
    await waiting(1);
    const [token = ''] = await server.admin.zrange(queueKey, 0, '0');
    expect(Number(token.split('|')[1])).toBe(1_000); // four polls: who is dead keeps it no longer
    await holder.end();
    expect(await waiter).toBeGreaterThan(leaseTuning.leaseMs - 5_000);
    // the same where it takes a free key, ahead of one that is dead
    await deadWaiter('nobody', 60_000, 400);
    const taken = b.turn(key, () => server.admin.pttl(lockKey(key)));
    expect(await taken).toBeGreaterThan(leaseTuning.leaseMs - 5_000);
  });

  test('a lost wake-up is made good by asking', async () => {
    const [a, b] = [await opened(), await opened()];
    const holder = await hold(a);
    const waiter = b.turn(key, async () => 'in');
    await waiting(1);
    await server.admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'); // nobody can be told now
    await holder.end();
    expect(await waiter).toBe('in');
    expect(b.ends).toEqual(['released']);
  });

  test('crash-holder: when the lease of a dead holder is over, the first in the queue gets the key', async () => {
    const [b, c] = [await opened(), await opened()];
    await server.admin.set(lockKey(key), 'a dead one', 'PX', 400);
    const order: string[] = [];
    const first = b.turn(key, async () => void order.push('first'));
    await waiting(1);
    const second = c.turn(key, async () => void order.push('second'));
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
  });

  test('who comes when a lease has just run out does not overtake those who wait', async () => {
    const a = await opened();
    const frozen = server.admin.duplicate();
    try {
      await frozen.subscribe('frozen');
      await deadWaiter('frozen', 60_000, 400); // waits for a key that is free
      let overtook = true;
      const newcomer = a.turn(key, async () => overtook);
      await until('the one who waits has it', async () => {
        return (await server.admin.get(lockKey(key))) === 'frozen|400|dead';
      });
      overtook = false;
      expect(await newcomer).toBe(false);
    } finally {
      frozen.disconnect();
    }
  });

  test('who gives up leaves the queue, and the key goes to the one behind', async () => {
    const [a, b, c] = [await opened(), await opened(), await opened()];
    const holder = await hold(a);
    const impatient = b.turn(key, async () => 'in', 100);
    const refused = expect(impatient).rejects.toMatchObject({ code: 'turn-refused' });
    await waiting(1);
    const patient = c.turn(key, async () => 'in');
    await refused;
    await waiting(1);
    await holder.end();
    expect(await patient).toBe('in');
  });

  test('who fails while it waits gives up its place, and the turn that it may have been handed', async () => {
    const [a, b] = [await opened(), await opened()];
    const holder = await hold(a);
    const waiter = b.turn(key, async () => 'in');
    const refused = expect(waiter).rejects.toMatchObject({ code: 'redis-unavailable' });
    await waiting(1);
    const { redis } = b.backends;
    const [own, listed] = [await redis.client('ID'), String(await server.admin.client('LIST'))];
    // it stays reachable for messages, and cannot ask
    await server.admin.config('SET', 'maxclients', String(listed.trim().split('\n').length - 1));
    await server.admin.client('KILL', 'ID', own);
    await refused;
    await holder.end();
    await server.admin.config('SET', 'maxclients', '1000');
    const free = async () => (await server.admin.exists(lockKey(key), queueKey)) === 0;
    await until('the lock is free', free, leaseTuning.leaseMs / 2);
  });

  test('excludes a plain redis-lease on the same key, and is excluded by it', async () => {
    const [queued, plain] = [await opened(), await opened(redisLease)];
    const holder = await hold(queued);
    await expect(plain.turn(key, async () => 'in', 200)).rejects.toMatchObject({
      code: 'turn-refused',
    });
    await holder.end();
    const other = await hold(plain);
    const waiter = queued.turn(key, async () => 'in');
    await waiting(1);
    await other.end();
    expect(await waiter).toBe('in');
  });

  test('multi-key-order: a lease that is lost while the second key is waited for ends the turn', async () => {
    const [a, b] = [await opened(), await opened(redisLeaseQueued, { leaseMs: 300 })];
    const holder = await hold(a);
    const keys = ['queue/0', key]; // the first is taken at once, the second is held for longer than a lease
    const both = b.turn(keys, async () => 'in');
    const lost = expect(both).rejects.toMatchObject({ code: 'turn-lost' });
    await waiting(1);
    await until('the first lease is over', async () => {
      return (await server.admin.get(lockKey('queue/0'))) === null;
    });
    await holder.end();
    await lost;
    expect(b.ends).toEqual(['lost']);
  });
});
