import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { type programs as all, programs } from './programs.ts';

const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
const full = { servers, fuseBegin: false, preemptions: 'unbounded', reduce: false } as const;

const small: readonly (keyof typeof all)[] = [
  'autocommit',
  'transaction',
  'row lock',
  'row lock, repeatable read',
  'serializable',
];

describe('the reduced search meets the same outcomes as the full one', () => {
  test.each(small)('%s', { timeout: 120_000 }, async name => {
    const everything = await explore(programs[name], { ...full, phases: false });
    const reduced = await explore(programs[name], {
      ...full,
      phases: false,
      reduce: true,
      isolated: true,
    });
    expect([...reduced.ends.keys()].sort()).toEqual([...everything.ends.keys()].sort());
    expect(reduced.outcome).toBe(everything.outcome);
    expect(reduced.exhausted && everything.exhausted).toBe(true);
    expect(reduced.orders).toBeLessThanOrEqual(everything.orders);
  });

  test('transaction: few orders stand for seventy', async () => {
    const reduced = await explore(programs.transaction, {
      ...full,
      phases: false,
      reduce: true,
      isolated: true,
    });
    expect(reduced.orders).toBeLessThan(10);
  });
});
