import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import type { ActorEnd } from '../../src/explore/run/actor.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';

const nodes = await ownRedisServers(2);
const servers = { pgUrl: testServers().postgresUrl, redisUrls: nodes.map(({ url }) => url) };

/** Asks both nodes at once, as one acquire of Redlock does, and needs the vote of both. */
const contender = (name: string) => {
  return async ({ redisUrls }: { readonly redisUrls: readonly string[] }) => {
    const clients = redisUrls.map(url => new Redis(url));
    try {
      const votes = await Promise.all(clients.map(client => client.set('lock', name, 'NX')));
      return votes.every(vote => vote === 'OK');
    } finally {
      for (const client of clients) client.disconnect();
    }
  };
};

/** Where neither has both votes, nobody has the lock. */
const race = {
  setup: '',
  audit: 'select 1 where false',
  actors: { A: contender('A'), B: contender('B') },
  check: (ends: readonly (ActorEnd | undefined)[]) =>
    ends.every(end => end?.kind === 'returned' && end.value === false) ? ['the vote is split'] : [],
};
const all = { servers, preemptions: 'unbounded', reduce: false } as const;

test('one acquire over several nodes is one step: somebody always has both votes', async () => {
  const found = await explore(race, all);
  expect(found).toMatchObject({ orders: 2, outcome: 'safe', exhausted: true });
  expect(found.assumptions.join()).toContain('several Redis nodes');
});

test('split on request, each node is asked at a time of its own, and the vote may be split', async () => {
  const found = await explore(race, { ...all, fuseNodes: false });
  expect(found).toMatchObject({ orders: 24, outcome: 'unsafe', exhausted: true });
  expect(found.counterexample?.record.violations).toEqual(['the vote is split']);
  expect(found.assumptions.join()).not.toContain('several Redis nodes');
});
