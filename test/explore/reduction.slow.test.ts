import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { type ActorFunction, explore, type Subject } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { type programs as all, programs } from './programs.ts';

const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
const nobody = 'select 1 where false';
const full = { servers, fuseBegin: false, preemptions: 'unbounded', reduce: false } as const;

const small: readonly (keyof typeof all)[] = [
  'autocommit',
  'transaction',
  'row lock',
  'row lock, repeatable read',
  'serializable',
];

/** Commands one after the other; each may look at the answer to the one before. */
function commands(...texts: readonly (string | ((answer: unknown) => string))[]): ActorFunction {
  return async urls => {
    const redis = new Redis(urls.redisUrl);
    let answer: unknown;
    for (const text of texts) {
      const [name = '', ...words] = (typeof text === 'string' ? text : text(answer)).split(' ');
      answer = await redis.call(name, ...words);
    }
    redis.disconnect();
    return answer;
  };
}

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
    expect(reduced.counterexample?.cost).toEqual(everything.counterexample?.cost);
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

  // B looks at what A and C have written, and tells A: `A C BBB A` leaves A once, `A B C BB A`, which
  // stands for it, leaves A and B.
  test('the shortest counterexample is told, though another order stood for it', async () => {
    const seen: Subject = {
      setup: '',
      actors: {
        a: commands('SET k 1', 'GET told'),
        b: commands('GET nothing', 'MGET k c', answer =>
          JSON.stringify(answer) === '["1","1"]' ? 'SET told yes' : 'GET nothing',
        ),
        c: commands('SET c 1'),
      },
      audit: ([a]) => (a?.kind === 'returned' && a.value === 'yes' ? 'select 1' : nobody),
    };
    const everything = await explore(seen, full);
    const reduced = await explore(seen, { ...full, reduce: true, isolated: true });
    expect(everything.counterexample?.cost).toEqual({ events: 0, preemptions: 1 });
    expect(reduced.counterexample?.cost).toEqual({ events: 0, preemptions: 1 });
    expect(reduced.orders).toBeLessThan(everything.orders / 2);
  });
});
