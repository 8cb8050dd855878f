import { Redis } from 'ioredis';
import Redlock, { type Caller } from 'redlock-4';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realTime } from '../fixtures/real-time.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';

/** What we assume of redlock 4.2.0, and why it is wrapped: an upgrade that differs is noticed here. */
const nodes = await ownRedisServers(3);
const [first, second, third] = nodes;
if (!first || !second || !third) throw new Error('three nodes were asked for');
const key = 'pin';
let clients: Redis[] = [];

beforeEach(() => Promise.all(nodes.map(node => node.fresh())));
afterEach(() => {
  for (const client of clients) client.disconnect();
  clients = [];
});

/** On the clients' own defaults, but for a node that is away: it is told at once. */
const redlockOn = (count: number): Redlock => {
  clients = nodes.slice(0, count).map(node => {
    const client = new Redis(node.url, { maxRetriesPerRequest: 0 });
    return client.on('error', () => {});
  });
  return new Redlock(clients.map(asCaller), { retryCount: 0 });
};

const asCaller = (client: Redis): Caller => ({
  evalsha: (sha, [keyCount, ...args], answer) =>
    client.evalsha(sha, Number(keyCount), ...args).then(
      value => void answer(null, value),
      (error: Error) => void answer(error),
    ),
  eval: ([lua, keyCount, ...args], answer) =>
    client.eval(String(lua), Number(keyCount), ...args).then(
      value => void answer(null, value),
      (error: Error) => void answer(error),
    ),
});

const failed = async (work: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('redlock 4.2.0', realTime, () => {
  test('one-node-frozen: with a client that waits, so does every call, majority or not', async () => {
    const redlock = redlockOn(3);
    await redlock.unlock(await redlock.lock(['warm'], 5_000));
    await third.freeze();
    let settled = false;
    const locking = Promise.resolve(redlock.lock([key], 5_000)).then(() => {
      settled = true;
    });
    // the other two have voted long ago when each has answered 100 further questions
    for (let n = 0; n < 100; n += 1) await Promise.all([first.admin.ping(), second.admin.ping()]);
    expect([await first.admin.exists(key), await second.admin.exists(key)]).toEqual([1, 1]);
    expect(settled).toBe(false);
    await third.thaw();
    await locking;
    expect(settled).toBe(true);
  });

  test('slow-acquire-expired: refuses a lease whose time is over', async () => {
    const redlock = redlockOn(3);
    await redlock.unlock(await redlock.lock(['warm'], 1_000));
    await Promise.all(nodes.map(node => node.freeze()));
    const locking = failed(redlock.lock([key], 300));
    setTimeout(() => void Promise.all(nodes.map(node => node.thaw())), 600);
    expect(await locking).toMatchObject({ name: 'LockError' });
  });

  test('even-quorum: with one vote each way it settles, and nobody has the turn', async () => {
    const redlock = redlockOn(2);
    await second.admin.set(key, 'another');
    expect(await failed(redlock.lock([key], 300))).toMatchObject({ name: 'LockError' });
    expect(await first.admin.get(key)).toBeNull(); // the vote it had is given back
  });

  test('an extension that finds no majority gives the lock back', async () => {
    const redlock = redlockOn(3);
    const lock = await redlock.lock([key], 5_000);
    await Promise.all([second, third].map(node => node.admin.del(key)));
    expect(await failed(redlock.extend(lock, 5_000))).toMatchObject({ name: 'LockError' });
    expect(await first.admin.get(key)).toBeNull();
  });

  test('release-of-expired-is-fast: one try', async () => {
    const redlock = redlockOn(3);
    const lock = await redlock.lock([key], 1_000);
    await Promise.all(nodes.map(node => node.admin.del(key)));
    expect(await failed(redlock.unlock(lock))).toMatchObject({
      message: expect.stringMatching(/^Unable to fully release/),
    });
  });

  test('majority-down: is the same error as a key that is taken', async () => {
    const redlock = redlockOn(3);
    await redlock.unlock(await redlock.lock(['warm'], 1_000));
    await Promise.all(nodes.map(node => node.admin.set(key, 'another')));
    const taken = await failed(redlock.lock([key], 300));
    await Promise.all([second.kill(), third.kill()]);
    const away = await failed(redlock.lock([key], 300));
    expect(taken).toMatchObject({ name: 'LockError' });
    expect(away).toMatchObject({ message: taken instanceof Error ? taken.message : '' });
  });
});
