import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { programs } from './programs.ts';

const [redis] = await ownRedisServers(1);
if (redis === undefined) throw new Error('one server was asked for');
const { admin, url } = redis;
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [url] };
const brief = { servers, preemptions: 0 } as const;

/** As an explorer leaves it that was killed together with its keeper. */
async function leaveKeys(): Promise<void> {
  const [library] = await whileExploring(() => admin.callBuffer('function', 'dump'));
  if (!Buffer.isBuffer(library)) throw new Error('nothing marks the server');
  await admin.call('function', 'restore', library, 'flush');
  await admin.set('left', 'behind');
}

/** What `look` gives while an order is under way. */
async function whileExploring<T>(look: () => Promise<T>): Promise<T[]> {
  const seen: T[] = [];
  await explore(
    {
      ...programs.autocommit,
      reset: async () => {
        seen.push(await look());
      },
    },
    { ...brief, executionsMax: 1 },
  );
  return seen;
}

describe('a Redis', { timeout: 60_000 }, () => {
  test('that holds somebody’s keys is refused, and keeps them', async () => {
    await admin.set('mine', '1');
    const found = await explore(programs['redis lease'], brief);
    expect(found).toMatchObject({ outcome: 'setup-failed' });
    expect(found.why).toContain('1 keys');
    expect(await admin.get('mine')).toBe('1');
    await admin.del('mine');
  });

  test('that a killed exploration has left is emptied, and left as it was found', async () => {
    await leaveKeys();
    const found = await explore(programs['redis lease'], brief);
    expect(found).toMatchObject({ outcome: 'safe' });
    expect(await admin.dbsize()).toBe(0);
    expect(await admin.call('function', 'list')).toEqual([]);
  });

  test('on which another exploration is at work is refused', async () => {
    const [found] = await whileExploring(() => explore(programs['redis lease'], brief));
    expect(found?.why).toContain('another exploration is using the Redis');
  });
});
