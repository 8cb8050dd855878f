import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { ownRedisServers } from '../fixtures/redis-server.ts';

/** Pin at full length: why the client's defaults are not used for locks. */
const [server] = await ownRedisServers(1);
if (!server) throw new Error('one server was asked for');

test('down-latency: with the defaults of ioredis 6 a command fails after more than a minute', {
  timeout: 120_000,
}, async () => {
  const redis = new Redis(server.url).on('error', () => {});
  try {
    await redis.ping();
    await server.kill();
    const sentMs = performance.now();
    await expect(redis.get('pin')).rejects.toThrow(/max retries per request limit/);
    expect(performance.now() - sentMs).toBeGreaterThan(60_000);
  } finally {
    redis.disconnect();
  }
});
