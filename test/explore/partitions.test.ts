import { expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const setup = `create table sale (seat int) partition by list (seat);
  create table sale_1 partition of sale for values in (1);
  create table own (seat int); create table own_1 () inherits (own);
  create view seen as select seat from own`;

test.each([
  ['sale', 'sale_1'],
  ['sale', 'sale'],
  ['own', 'own_1'],
  ['own', 'seen'],
])('a look at %s and a write to %s are two steps of one statement', async (looked, written) => {
  const text = `insert into ${written} select 1 where (select count(*) from ${looked}) < 1`;
  const sells = onePgClient(query => query(text));
  const audit = `select count(*) from ${looked} having count(*) > 1`;
  const found = await explore(subject(setup, audit, [sells, sells]), { servers });
  expect(found.outcome).toBe('unsafe');
});
