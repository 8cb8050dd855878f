/**
 * Steps that leave no lock behind to tell of them. Each program was once called safe, "every order",
 * by a reduction that took such steps for independent of all others.
 */
import { expect, test } from 'vitest';
import {
  type ActorFunction,
  type Exploration,
  type ExploreOptions,
  explore,
  type Subject,
} from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl, redisUrls: [await ownRedisUrl()] };
const options = { servers, phases: false, preemptions: 'unbounded', isolated: true } as const;
const nobody = 'select 1 where false';

/** Statements one after the other; what each was told, and a failure rolled back. */
function statements(...texts: readonly string[]): ActorFunction {
  return onePgClient(async query => {
    const told: string[] = [];
    for (const text of texts) {
      try {
        const rows = await query(text);
        if (/^select/.test(text)) told.push(JSON.stringify(rows));
      } catch (error) {
        told.push(error instanceof Error && 'code' in error ? String(error.code) : 'failed');
        if (!text.startsWith('commit')) await query('rollback');
        break;
      }
    }
    return told.join();
  });
}

async function both(program: Subject, more: Partial<ExploreOptions> = {}) {
  const all = await explore(program, { ...options, ...more, reduce: false });
  const reduced = await explore(program, { ...options, ...more });
  return { all, reduced };
}

function outcomes({ ends }: Exploration): string[] {
  return [...ends.keys()].sort();
}

const pair =
  'create table a (id int primary key, n int not null default 0); insert into a values (1, 0), (2, 0)';
const two = `${pair}; create table b (id int primary key, n int); insert into b values (1, 0)`;

const tryBoth = (first: number, second: number): ActorFunction =>
  onePgClient(async query => {
    await query('begin');
    const told: unknown[] = [];
    for (const key of [first, second]) {
      const [row] = await query(`select pg_try_advisory_xact_lock(${key}) as ok`);
      told.push(row?.ok);
    }
    await query('commit');
    return told.join();
  });

const programs: Readonly<Record<string, Subject>> = {
  'a lock that is refused at once': subject(two, nobody, [
    statements('begin', 'select id from a where id = 1 for update nowait', 'commit'),
    statements(
      'begin',
      'select id from a where id = 1 for update nowait',
      'commit',
      'select n from b',
    ),
  ]),
  'try-locks in two orders': subject('', nobody, [tryBoth(1, 2), tryBoth(2, 1)]),
  'a try-lock inside a function': subject(
    `create function take() returns bool language sql as 'select pg_try_advisory_xact_lock(7)'`,
    nobody,
    [
      statements('begin', 'select take() as ok', 'commit'),
      statements('begin', 'select take() as ok', 'commit'),
    ],
  ),
  'a duplicate that is deleted in time or not': subject(pair, nobody, [
    statements('begin', 'delete from a where id = 1', 'commit', 'insert into a values (2, 1)'),
    statements('begin', 'insert into a values (1, 1)', 'commit'),
  ]),
  'a duplicate that an exception block swallows': subject(
    `${pair}; create function put() returns text language plpgsql as $$
     begin insert into a values (1, 5); return 'put'; exception when unique_violation then return 'there'; end $$`,
    nobody,
    [
      statements('begin', 'delete from a where id = 1', 'commit'),
      statements('begin', 'select put()', 'commit'),
    ],
  ),
  'a savepoint that is rolled back': subject(two, nobody, [
    statements(
      'begin',
      'savepoint s',
      'update a set n = 1',
      'rollback to s',
      'select n from b',
      'commit',
    ),
    statements('begin', 'update b set n = 1', 'select id from a for update nowait', 'commit'),
  ]),
  'a foreign key that waits for COMMIT': subject(
    `${pair}; create table child (of int references a deferrable initially deferred)`,
    nobody,
    [
      statements('begin', 'insert into child values (1)', 'commit'),
      statements('begin', 'delete from a where id = 1', 'commit'),
    ],
  ),
  'commit and chain': subject(two, nobody, [
    statements(
      'begin',
      'update a set n = n + 1 where id = 1',
      'commit and chain',
      'select n from b',
      'commit',
    ),
    statements('begin', 'update b set n = n + 1', 'select n from a where id = 1', 'commit'),
  ]),
  'commit and begin in one message': subject(two, nobody, [
    statements(
      'begin',
      'update a set n = n + 1 where id = 1',
      'commit; begin',
      'select n from b',
      'commit',
    ),
    statements('begin', 'update b set n = n + 1', 'select n from a where id = 1', 'commit'),
  ]),
  ...Object.fromEntries(
    [
      ['begin isolation level repeatable read'],
      ["set default_transaction_isolation = 'repeatable read'", 'begin'],
      ['begin', "set local transaction_isolation = 'repeatable read'"],
      ["select set_config('default_transaction_isolation', 'repeatable read', false)", 'begin'],
      ["begin isolation level repeatable read; set local lock_timeout = '0'"],
      ['begin isolation level repeatable read', 'savepoint s'],
      ['begin isolation level repeatable read', 'lock table c in share mode'],
    ].map(begin => [
      `a snapshot behind ${begin.join(', ')}`,
      subject(`${two}; create table c (id int)`, nobody, [
        statements(...begin, 'select n from b', 'select n from a where id = 1', 'commit'),
        statements('begin', 'update a set n = 1 where id = 1', 'commit'),
      ]),
    ]),
  ),
  'serializable commits without a common table': subject(two, nobody, [
    statements(
      'begin isolation level serializable',
      'select n from a where id = 1',
      'update b set n = 1',
      'commit',
    ),
    statements(
      'begin isolation level serializable',
      'select n from b',
      'update a set n = 2 where id = 1',
      'commit',
    ),
  ]),
  'a sequence, which no COMMIT publishes': subject('create sequence s', nobody, [
    statements('begin', "select nextval('s')", 'commit'),
    statements('begin', 'select last_value, is_called from s', 'commit'),
  ]),
  'which transaction began first': subject(
    'create table t (who text, at timestamptz default now())',
    nobody,
    [
      statements('begin', "insert into t values ('a')", 'commit', 'select who from t order by at'),
      statements('begin', "insert into t values ('b')", 'commit', 'select who from t order by at'),
    ],
  ),
  'a table lock takes no snapshot': subject(two, nobody, [
    statements(
      'begin isolation level repeatable read',
      'lock table a in access share mode',
      'select n from b',
      'select n from a where id = 1',
      'commit',
    ),
    statements('begin', 'update a set n = 1 where id = 1', 'commit'),
  ]),
  'a session lock that is given back by leaving': subject(two, nobody, [
    statements('select pg_advisory_lock(3)', 'begin', 'select n from a', 'commit'),
    statements('begin', 'select n from b', 'select pg_try_advisory_lock(3) as ok', 'commit'),
  ]),
};

test.each(Object.entries(programs))(
  '%s: the reduced search loses no outcome',
  async (name, program) => {
    const fuseBegin = name !== 'which transaction began first';
    const { all, reduced } = await both(program, { fuseBegin });
    expect(all.exhausted && reduced.exhausted, `${all.why}; ${reduced.why}`).toBe(true);
    expect(outcomes(reduced)).toEqual(outcomes(all));
    expect(outcomes(all).length).toBeGreaterThan(1);
  },
);

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
  const program = { ...subject(pair, nobody, [look, look]), prepare: async () => undefined };
  const found = await explore(program, { ...options, isolated: false });
  expect(found.pruned).toBe(0);
  expect(found.assumptions.join()).not.toContain('run once');
});

test('a bound of preemptions beside an event is never joined with the reduction', async () => {
  const program = subject(pair, nobody, [
    statements('begin', 'select n from a where id = 1', 'commit'),
    statements('begin', 'select n from a where id = 2', 'commit'),
  ]);
  const events = { events: ['crash'] as const, preemptionsWithEvent: 1 };
  const bounded = await both(program, events);
  expect(bounded.reduced.orders).toBe(bounded.all.orders);
  const free = await both(program);
  expect(free.reduced.orders).toBeLessThan(free.all.orders);
});
