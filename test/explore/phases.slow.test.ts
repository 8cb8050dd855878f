import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { oneStatement, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const table = 'create table booking (id serial primary key, who text)';
const atMostOne = 'select count(*)::int as bookings from booking having count(*) > 1';

/** Counts and inserts in one statement: no order of requests can part the two. */
const countingInsert = `insert into booking (who)
  select 'me' where (select count(*) from booking) < 1`;

function twiceOneStatement(begin: string | undefined) {
  const actor = oneStatement(begin, countingInsert);
  return subject(table, atMostOne, [actor, actor]);
}

describe('a statement that counts and then inserts', () => {
  test.each([
    ['on its own', undefined, 'unsafe'],
    ['READ COMMITTED', 'begin isolation level read committed', 'unsafe'],
    ['REPEATABLE READ', 'begin isolation level repeatable read', 'unsafe'],
    ['SERIALIZABLE', 'begin isolation level serializable', 'safe'],
  ] as const)('%s, with phases: %s is %s', async (_name, begin, outcome) => {
    const found = await explore(twiceOneStatement(begin), { servers, preemptions: 'unbounded' });
    expect(found).toMatchObject({ outcome, exhausted: true });
  });

  test('without phases every order of the whole statements looks safe', async () => {
    const found = await explore(twiceOneStatement(undefined), { servers, phases: false });
    expect(found).toMatchObject({ outcome: 'safe', orders: 2 });
    expect(found.assumptions.join()).toContain('a race inside one statement is not seen');
  });
});

test('a conditional UPDATE is safe in every phase', async () => {
  const actor = oneStatement(
    undefined,
    'update stock set taken = taken + 1 where id = 1 and taken < 1',
  );
  const setup =
    'create table stock (id int primary key, taken int); insert into stock values (1, 0)';
  const audit = 'select taken from stock where taken <> 1';
  const found = await explore(subject(setup, audit, [actor, actor]), {
    servers,
    preemptions: 'unbounded',
  });
  expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
  expect(found.orders).toBeGreaterThan(2);
});
