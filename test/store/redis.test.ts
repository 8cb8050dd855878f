import type { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { connectRedis } from '../../src/store/redis.ts';
import { until } from '../fixtures/gate.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';

const [server] = await ownRedisServers(1);
const clients: Redis[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

/** A connection that is ready, and how often it has written since. */
async function opened() {
  const redis = connectRedis({ url: server?.url ?? '', leaseMs: 10_000 });
  clients.push(redis);
  await until('the connection is ready', () => redis.status === 'ready');
  let writes = 0;
  for (const name of ['_write', '_writev']) {
    const real: unknown = Reflect.get(redis.stream, name);
    if (typeof real !== 'function') throw new Error(`a socket has no ${name}`);
    Reflect.set(redis.stream, name, (...values: unknown[]) => {
      writes += 1;
      return Reflect.apply(real, redis.stream, values);
    });
  }
  return { redis, writes: () => writes };
}

const echoes = (redis: Redis, count: number): Promise<string>[] =>
  Array.from({ length: count }, (_, at) => redis.echo(String(at)));
const numbers = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at));

describe('commands of one turn of the event loop', () => {
  test('go out in few writes, and each gets its own answer', async () => {
    const { redis, writes } = await opened();
    expect(await Promise.all(echoes(redis, 40))).toEqual(numbers(40));
    expect(writes()).toBe(3); // 16, 16 and 8
    expect(await redis.echo('alone')).toBe('alone');
    expect(writes()).toBe(4);
  });

  test('are gathered behind the promises that it has settled', async () => {
    const { redis, writes } = await opened();
    const later = async (text: string): Promise<string> => {
      await Promise.resolve();
      return redis.echo(text);
    };
    expect(await Promise.all([redis.echo('first'), later('second')])).toEqual(['first', 'second']);
    expect(writes()).toBe(1);
  });

  test('are sent before a connection that is closed at once ends', async () => {
    const { redis } = await opened();
    void redis.set('last', 'word').catch(() => {});
    redis.disconnect();
    const { redis: other } = await opened();
    await until('it has arrived', async () => (await other.get('last')) === 'word');
  });
});
