import { describe, expect, test } from 'vitest';
import { type Exploration, explore } from '../../src/explore/explore.ts';
import { programs } from '../explore/programs.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';

/** What takes minutes: programs with hundreds and thousands of orders. */
const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };
const full = {
  servers,
  phases: false,
  fuseBegin: false,
  preemptions: 'unbounded',
  reduce: false,
} as const;

const counts: readonly (readonly [keyof typeof programs, number, number])[] = [
  ['autocommit, three actors', 66, 60],
  ['row lock', 36, 0],
  ['touch, repeatable read', 36, 0],
  ['advisory lock released before commit', 194, 144],
  ['versioned', 672, 0],
  ['redis lease that expires', 660, 192],
];

const found = new Map<keyof typeof programs, Promise<Exploration>>();

/** Every order of a program, explored once for all tests. */
function everyOrder(name: keyof typeof programs): Promise<Exploration> {
  const exploration = found.get(name) ?? explore(programs[name], full);
  found.set(name, exploration);
  return exploration;
}

describe('every order of a program', { timeout: 1_800_000 }, () => {
  test.each(counts)('%s: %i orders, %i violate', async (name, orders, violating) => {
    expect(await everyOrder(name)).toMatchObject({
      orders,
      violating,
      exhausted: true,
      cut: false,
    });
  });

  test.skipIf(process.env.LOCKSTEP_LONG !== '1')(
    'row lock, three actors: 3762 orders, 0 violate (minutes: LOCKSTEP_LONG=1)',
    async () => {
      const found = await explore(programs['row lock, three actors'], full);
      expect(found).toMatchObject({ orders: 3762, violating: 0, exhausted: true, cut: false });
    },
  );

  test.each([
    'advisory lock released before commit',
    'redis lease',
    'touch, repeatable read',
  ] as const)('the reduced search meets the same outcomes: %s', async name => {
    const everything = await everyOrder(name);
    const reduced = await explore(programs[name], { ...full, reduce: true });
    expect([...reduced.ends.keys()].sort()).toEqual([...everything.ends.keys()].sort());
  });

  test.each(['autocommit', 'transaction', 'row lock', 'serializable'] as const)(
    'and with statement phases: %s',
    async name => {
      const phased = { ...full, phases: true, fuseBegin: true } as const;
      const everything = await explore(programs[name], phased);
      const reduced = await explore(programs[name], { ...phased, reduce: true });
      expect([...reduced.ends.keys()].sort()).toEqual([...everything.ends.keys()].sort());
    },
  );
});
