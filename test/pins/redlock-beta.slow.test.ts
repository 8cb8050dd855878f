import { Redis } from 'ioredis';
import Redlock, { ExecutionError } from 'redlock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realTime } from '../fixtures/real-time.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';

/** What we assume of redlock 5.0.0-beta.2, and why it is wrapped: an upgrade that differs is noticed here. */
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
const redlockOn = (count: number, settings: ConstructorParameters<typeof Redlock>[1] = {}) => {
  clients = nodes.slice(0, count).map(node => {
    const client = new Redis(node.url, { maxRetriesPerRequest: 0 });
    return client.on('error', () => {});
  });
  return new Redlock(clients, settings);
};

const pending = Symbol('pending');
const within = <T>(promise: Promise<T>, ms: number): Promise<T | typeof pending> =>
  Promise.race([promise, new Promise<typeof pending>(resolve => setTimeout(resolve, ms, pending))]);

describe('redlock 5.0.0-beta.2', realTime, () => {
  test('slow-acquire-expired: grants a lease whose time is over', async () => {
    const redlock = redlockOn(3);
    await (await redlock.acquire(['warm'], 1_000)).release();
    await Promise.all(nodes.map(node => node.freeze()));
    const acquiring = redlock.acquire([key], 300);
    setTimeout(() => void Promise.all(nodes.map(node => node.thaw())), 600);
    const lock = await acquiring;
    expect(lock.expiration - Date.now()).toBeLessThan(0);
  });

  test('wait-counts-against-ttl: the time of waiting is taken from the lease', async () => {
    const redlock = redlockOn(3);
    await Promise.all(nodes.map(node => node.admin.set(key, 'another', 'PX', 900)));
    const lock = await redlock.acquire([key], 500);
    expect(lock.expiration - Date.now()).toBeLessThan(0);
    expect(await first.admin.pttl(key)).toBeGreaterThan(0); // though the key has just been set
  });

  test('even-quorum: with one vote each way neither side settles', async () => {
    const redlock = redlockOn(2, { retryCount: 0 });
    await (await redlock.acquire(['warm'], 1_000)).release();
    await second.admin.set(key, 'another');
    const acquiring = redlock.acquire([key], 300);
    acquiring.catch(() => {});
    expect(await within(acquiring, 1_000)).toBe(pending);
  });

  test('self-block: a retry meets the vote of the try before and starves on it', async () => {
    const redlock = redlockOn(3, { retryCount: 8, retryDelay: 50, retryJitter: 0 });
    await (await redlock.acquire(['warm'], 1_000)).release();
    await third.kill();
    await second.admin.set(key, 'another', 'PX', 100); // free again from the third try on
    await expect(redlock.acquire([key], 5_000)).rejects.toThrow(ExecutionError);
  });

  test('release-of-expired-is-fast: is not, by default it is tried eleven times', async () => {
    const redlock = redlockOn(3);
    const lock = await redlock.acquire([key], 1_000);
    await Promise.all(nodes.map(node => node.admin.del(key)));
    const error = await redlock.release(lock).then(
      () => undefined,
      reason => reason,
    );
    expect(error).toBeInstanceOf(ExecutionError);
    expect(error).toMatchObject({ attempts: { length: 11 } }); // 200 ms apart
  });

  test('majority-down: is the same error as a key that is taken', async () => {
    const redlock = redlockOn(3, { retryCount: 0 });
    await (await redlock.acquire(['warm'], 1_000)).release();
    await Promise.all(nodes.map(node => node.admin.set(key, 'another')));
    const taken = await redlock.acquire([key], 300).catch((error: Error) => error);
    await Promise.all([second.kill(), third.kill()]);
    const away = await redlock.acquire([key], 300).catch((error: Error) => error);
    expect(taken).toBeInstanceOf(ExecutionError);
    expect(away).toBeInstanceOf(ExecutionError);
    expect(taken).toMatchObject({ message: away instanceof Error ? away.message : '' });
  });

  test('late-refresh-steal: an extension asks the nodes first and never takes a key anew', async () => {
    const redlock = redlockOn(3, { retryCount: 0 });
    const lock = await redlock.acquire([key], 5_000);
    await Promise.all(nodes.map(node => node.admin.del(key)));
    await expect(redlock.extend(lock, 5_000)).rejects.toThrow(ExecutionError);
    expect(await first.admin.get(key)).toBeNull();
  });

  test('an extension of a lock whose time is over asks nobody: an error without attempts', async () => {
    const redlock = redlockOn(3, { retryCount: 0 });
    const lock = await redlock.acquire([key], 5_000);
    lock.expiration = Date.now() - 1;
    const error = await redlock.extend(lock, 5_000).catch((reason: Error) => reason);
    expect(error).toMatchObject({ name: 'ExecutionError', attempts: [] });
  });
});
