/** Where nothing may be left out, and where it may; which steps commute is tried in `property/`. */
import { expect, test } from 'vitest';
import { type ExploreOptions, explore } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl, redisUrls: [await ownRedisUrl()] };
const options = { servers, phases: false, preemptions: 'unbounded', isolated: true } as const;
const nobody = 'select 1 where false';
const pair =
  'create table a (id int primary key, n int not null default 0); insert into a values (1, 0), (2, 0)';

test('actors that share a variable of a module are not reduced unless they are said not to', async () => {
  const cache = { seen: 0 };
  const look = onePgClient(async query => {
    await query('begin');
    cache.seen += 1;
    const mine = cache.seen;
    await query('select n from a where id = 1');
    await query('commit');
    return mine;
  });
  const program = subject(pair, nobody, [look, look]);
  const all = await explore(program, { ...options, reduce: false });
  const said = await explore(program, options);
  expect(said.orders).toBeLessThan(all.orders);
  const unsaid = await explore(program, { ...options, isolated: false });
  expect(unsaid.orders).toBe(all.orders);
  expect(unsaid.assumptions.join()).not.toContain('run once');
});

test('a bound of preemptions beside an event is never joined with the reduction', async () => {
  const look = (id: number) =>
    onePgClient(async query => {
      await query('begin');
      await query(`select n from a where id = ${id}`);
      await query('commit');
    });
  const program = subject(pair, nobody, [look(1), look(2)]);
  const both = async (more: Partial<ExploreOptions>) => [
    (await explore(program, { ...options, ...more, reduce: false })).orders,
    (await explore(program, { ...options, ...more })).orders,
  ];
  const [all, bounded] = await both({ events: ['crash'], preemptionsWithEvent: 1 });
  expect(bounded).toBe(all);
  const [free = 0, reduced] = await both({});
  expect(reduced).toBeLessThan(free);
});
