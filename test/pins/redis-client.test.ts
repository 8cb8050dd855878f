import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectRedis } from '../../src/store/redis.ts';
import { until } from '../fixtures/gate.ts';
import { realTime } from '../fixtures/real-time.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';

/** Sends, and keeps this process busy before its loop goes round: the timers come first then. */
const sentAndBusy = <T>(ms: number, send: () => Promise<T>): Promise<T> =>
  new Promise(resolve =>
    setImmediate(() => {
      const sent = send();
      const untilMs = performance.now() + ms;
      while (performance.now() < untilMs);
      resolve(sent);
    }),
  );

/** What we assume of ioredis 6, with its defaults and with our settings. */
const [server] = await ownRedisServers(1);
if (!server) throw new Error('one server was asked for');
const key = 'pin';
let client: Redis | undefined;

beforeEach(() => server.fresh());
afterEach(() => client?.disconnect());

const connected = async (made: Redis): Promise<Redis> => {
  client = made.on('error', () => {});
  await until('it is connected', () => made.status === 'ready');
  return made;
};
const withDefaults = (options = {}) => connected(new Redis(server.url, options));
const withOurs = () => connected(connectRedis({ url: server.url, leaseMs: 5_000 }));
const errorOf = (promise: Promise<unknown>): Promise<Error | undefined> =>
  promise.then(
    () => undefined,
    (error: Error) => error,
  );

describe('ioredis 6 with its defaults', realTime, () => {
  test('down-latency: a command waits for about 73 s of reconnecting (in full: test/slow)', async () => {
    const { options } = await withDefaults();
    expect(options.maxRetriesPerRequest).toBe(20);
    const pauses = Array.from({ length: 20 }, (_, n) => Number(options.retryStrategy?.(n + 1)));
    const seconds = pauses.reduce((sum, ms) => sum + ms, 0) / 1_000;
    expect(seconds).toBeGreaterThan(65);
    expect(seconds).toBeLessThan(80);
  });

  test('down-latency: a command on a server that is away is neither answered nor refused', async () => {
    const redis = await withDefaults();
    await server.kill();
    const answer = redis.get(key).then(
      () => 'settled',
      () => 'settled',
    );
    const later = new Promise(resolve => setTimeout(resolve, 800, 'pending'));
    expect(await Promise.race([answer, later])).toBe('pending');
  });

  test('ghost-offline-queue: a command that timed out while Redis was away runs when it is back', async () => {
    const redis = await withDefaults({ commandTimeout: 100 });
    await server.kill();
    await until('it knows', () => redis.status === 'reconnecting');
    const error = await errorOf(redis.set(key, 'ghost', 'PX', 60_000, 'NX'));
    expect(error?.message).toBe('Command timed out');
    await server.start();
    await until('the ghost is there', async () => (await server.admin.get(key)) === 'ghost');
  });

  test('an answer that lies in the socket is given up when the process was busy for longer', async () => {
    const redis = await withDefaults({ commandTimeout: 300 });
    const error = await sentAndBusy(600, () => errorOf(redis.set(key, 'held', 'NX')));
    expect(error?.message).toBe('Command timed out');
    expect(await server.admin.get(key)).toBe('held');
  });

  test('a command whose connection broke is sent a second time', async () => {
    const redis = await withDefaults();
    await server.freeze();
    const answer = redis.incr(key); // in the socket of a server that will not read it
    await server.kill();
    await server.start();
    expect(await answer).toBe(1);
  });
});

describe('ioredis 6 with our settings', realTime, () => {
  test('ghost-offline-queue: a command on a server that is away is refused unsent', async () => {
    const redis = await withOurs();
    await server.kill();
    await until('it knows', () => redis.status === 'reconnecting');
    const error = await errorOf(redis.set(key, 'ghost', 'PX', 60_000, 'NX'));
    expect(error?.message).toMatch(/isn't writeable and enableOfflineQueue options is false/);
    await server.start();
    await until('it is back', () => redis.status === 'ready');
    expect(await redis.get(key)).toBeNull();
  });

  test('a command whose connection broke is refused and not sent again', async () => {
    const redis = await withOurs();
    await server.freeze();
    const answer = errorOf(redis.incr(key));
    await server.kill();
    expect((await answer)?.message).toMatch(/max retries per request limit/);
    await server.start();
    await until('it is back', () => redis.status === 'ready');
    expect(await redis.get(key)).toBeNull();
  });

  test('a command that timed out still runs later, before what is sent after it', async () => {
    const redis = await withOurs();
    await server.freeze();
    const late = errorOf(redis.set(key, 'late'));
    const behind = errorOf(redis.append(key, ' and cleared'));
    expect((await late)?.message).toBe('Command timed out');
    await behind;
    await server.thaw();
    await until('both ran', async () => (await redis.get(key)) === 'late and cleared');
  });

  test('an answer that lies in the socket is read, though the process was busy for longer than it may take', async () => {
    const redis = await withOurs();
    expect(await sentAndBusy(600, () => redis.set(key, 'held', 'NX'))).toBe('OK');
  });

  test('a connection that says nothing for a second is replaced', async () => {
    const redis = await withOurs();
    await server.freeze();
    await errorOf(redis.get(key));
    await until('it gave up the connection', () => redis.status !== 'ready', 30_000);
    await server.thaw();
    await until('it is back', () => redis.status === 'ready');
    expect(await redis.get(key)).toBeNull();
  });

  test('a script that the server does not know is told by a message that starts with NOSCRIPT', async () => {
    const redis = await withOurs();
    const error = await errorOf(redis.evalsha('0'.repeat(40), 0));
    expect(error?.message).toMatch(/^NOSCRIPT/);
  });
});
