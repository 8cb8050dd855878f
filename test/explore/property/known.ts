import type { Caller, Program, ProgramStep } from '../../../bench/explore/reduction/program.ts';
import { stepsOf } from '../../../bench/explore/reduction/read-letter.ts';

/** Small programs that each showed, or would show, one way in which reduction can lose an outcome. */
export const known: Readonly<Record<string, Program>> = {
  'a refused NOWAIT in a transaction': small(
    'begin | select n from slot where id = 1 for update nowait | commit',
    'begin | select n from slot where id = 1 for update nowait | commit',
  ),
  'a refused NOWAIT inside an exception block': small(
    'begin | select hold(1) | commit',
    'begin | update slot set n = 1 where id = 1 | commit',
  ),
  'a collision undone by a savepoint': small(
    "begin | savepoint s | insert into seat values (1, 'a') | select n from slot where id = 1 | commit",
    "begin | insert into seat values (1, 'b') | commit",
  ),
  'a raise that depends on a row': small(
    'begin | select refuse(1)::text | commit',
    'begin | update slot set n = 1 where id = 1 | commit',
  ),
  'refused try-locks in two orders': small(
    'begin | select pg_try_advisory_xact_lock(1) | if yes: select pg_try_advisory_xact_lock(2) | commit',
    'begin | select pg_try_advisory_xact_lock(2) | if yes: select pg_try_advisory_xact_lock(1) | commit',
  ),
  'refused try-locks inside a function': small(
    'begin | select try_lock(1) | if yes: select try_lock(2) | commit',
    'begin | select try_lock(2) | if yes: select try_lock(1) | commit',
  ),
  'try-locks behind a name with an apostrophe': tries(`select 0 as "it's", try_lock($), 'x'`),
  'try-locks behind a comment in a comment': tries("select /* /* */ ' */ try_lock($) /* ' */, 1"),
  'try-locks in a function called like a keyword': tries('select within($)'),
  'try-locks in a function with a letter of its own': tries('select écount($)'),
  'an advisory unlock': small(
    'begin | select pg_try_advisory_lock(1) | select pg_advisory_unlock(1) | select n from slot where id = 1 | commit',
    'begin | select pg_try_advisory_lock(1) | update slot set n = 1 where id = 1 | commit',
  ),
  'an advisory lock outside of transactions': small(
    'begin | select pg_advisory_xact_lock(1)::text | update slot set n = 1 where id = 1 | commit',
    'select pg_advisory_xact_lock(1)::text | select n from slot where id = 1',
  ),
  'a deferred foreign key': small(
    'begin | insert into child (parent) values (1) | commit',
    'begin | delete from parent where id = 1 | commit',
  ),
  'a deferred trigger that counts': small(
    "begin | insert into quota (who) values ('a') | commit",
    "begin | insert into quota (who) values ('b') | commit",
  ),
  'a deferred trigger that writes elsewhere': small(
    "begin | insert into entry values ('a') | commit",
    'begin | select count(*)::int from total | commit',
  ),
  'commit and chain': small(
    'begin | select n from slot where id = 2 | commit and chain | select n from slot where id = 1 | commit',
    'begin | update slot set n = 1 where id = 1 | commit and chain | commit',
  ),
  'commit and begin in one message': small(
    'begin | select n from slot where id = 2 | commit; begin | select n from slot where id = 1 | commit',
    'begin | update slot set n = 1 where id = 1 | commit; begin | commit',
  ),
  'text behind COMMIT': small(
    'begin | select count(*)::int from seat | commit; update slot set n = 5 where id = 1',
    'begin | select n from slot where id = 1 | commit',
  ),
  // B is told that A has the lock, and commits before A looks or behind it
  'LOCK TABLE before the snapshot': small(
    'begin isolation level repeatable read | lock table bill in row exclusive mode | SET k1 a | select count(*)::int from seat | update slot set n = n + 1 where id = 1 returning n | commit',
    'begin | update slot set n = n + 1 where id = 1 | GET k1 | commit',
  ),
  'SAVEPOINT before the snapshot': snapshot('begin isolation level repeatable read | savepoint s'),
  'SET LOCAL in the message of BEGIN': snapshot(
    "begin isolation level repeatable read; set local lock_timeout = '10s'",
  ),
  'isolation by default_transaction_isolation': snapshot(
    "set default_transaction_isolation = 'repeatable read' | begin",
  ),
  'isolation by transaction_isolation': snapshot(
    "begin | set local transaction_isolation = 'repeatable read'",
  ),
  'isolation by set_config': snapshot(
    "select set_config('default_transaction_isolation', 'repeatable read', false) | begin",
  ),
  'isolation by a start-up option': {
    ...snapshot('begin'),
    callers: snapshot('begin').callers.map((caller, at) =>
      at === 0
        ? { ...caller, options: '-c default_transaction_isolation=repeatable\\ read' }
        : caller,
    ),
  },
  'a snapshot taken by chatter': {
    ...snapshot('begin isolation level repeatable read | select 1'),
    fuseBegin: false,
  },
  'a chain of three that are serializable': small(
    'begin isolation level serializable | select count(*)::int from seat | update slot set n = 1 where id = 1 | commit',
    'begin isolation level serializable | select n from slot where id = 1 | commit',
    "begin isolation level serializable | insert into seat values (1, 'c') | commit",
  ),
  'a refused LOCK TABLE': small(
    'begin | lock table slot in share mode nowait | commit',
    'begin | update slot set n = 1 where id = 1 | commit',
  ),
  'three in one queue': small(
    'begin | update slot set n = n + 1 where id = 1 returning n | commit',
    'begin | update slot set n = n * 3 where id = 1 returning n | commit',
    'begin | select n from slot where id = 1 for update | commit',
  ),
  // B is told a and finds 0: it waits for A, and C looks before A ends or behind it
  'a statement that ends with another': small(
    'begin | update slot set n = 5 from (select id from owner where id = 1 for update) o where slot.id = 1 | SET k1 a | commit',
    'GET k1 | insert into pet select 3, 1 from slot where id = 1 and n = 0 | GET k2',
    'select count(*)::int from pet',
  ),
  'a LOCK TABLE that a reader refuses': small(
    'begin | lock table slot in access exclusive mode nowait | commit',
    'begin | select n from slot where id = 1 | commit',
  ),
  'numbers from a sequence': small(
    "begin | select nextval('ticket')::int | rollback",
    "begin | select nextval('ticket')::int | commit",
  ),
  'a notification': small(
    "begin | notify told, 'a' | commit",
    'listen told | HEARS | select n from slot where id = 1',
  ),
  // B knows that A has notified, and waits until COMMIT or until it is tired of it
  'a notification that may come too late': small(
    "begin | notify told, 'a' | SET k1 a | commit",
    'listen told | GET k1 | HEARS | GET k2',
  ),
  'BEGIN fixes the time': small(
    "begin | select n from slot where id = 1 | insert into stamp (who) values ('a') | commit",
    "begin | select count(*)::int from seat | insert into stamp (who) values ('b') | commit",
  ),
  'a deadlock stops everybody': small(
    "begin | update seat set who = 'a' where no = 2 | update slot set n = 1 where id = 1 | update slot set n = 1 where id = 2",
    'begin | update slot set n = 2 where id = 2 | update slot set n = 2 where id = 1',
    'begin | select no from seat where no = 2 for update skip locked | commit',
  ),
  'a named statement': small(
    'begin | named select n from slot where id = 1 | named select n from slot where id = 1 | commit',
    'begin | update slot set n = 1 where id = 1 | commit',
  ),
  'a duplicate that is deleted in time or not': small(
    'begin | delete from seat where no = 2 | commit',
    "begin | insert into seat values (2, 'b') | commit",
  ),
  'the same in an exception block': small(
    'begin | delete from seat where no = 2 | commit',
    "begin | select grab(2, 'b') | commit",
  ),
  'a savepoint that is rolled back': small(
    'begin | savepoint s | update slot set n = 1 where id = 1 | rollback to savepoint s | select count(*)::int from seat | commit',
    "begin | insert into seat values (1, 'b') | select n from slot where id = 1 for update nowait | commit",
  ),
  'two that are serializable': small(
    "begin isolation level serializable | select n from slot where id = 1 | insert into seat values (1, 'a') | commit",
    'begin isolation level serializable | select count(*)::int from seat | update slot set n = 2 where id = 1 | commit',
  ),
  'a session lock that is given back by leaving': small(
    'select pg_advisory_lock(3)::text | begin | select n from slot where id = 1 | commit',
    'begin | select count(*)::int from seat | select pg_try_advisory_lock(3) | commit',
  ),
  'a sequence, which no COMMIT publishes': small(
    "begin | select nextval('ticket')::int | commit",
    'begin | select last_value::int, is_called from ticket | commit',
  ),
  'rows that go with another': small(
    'delete from owner where id = 1',
    'select count(*)::int from pet',
  ),
  // A is told 0 and 1 only where B holds the owner between its looks, or comes and goes there
  'a row that another points at': small(
    'begin | select n from slot where id = 1 | insert into pet values (3, 1) | select n from slot where id = 1 | commit',
    'begin | select id from owner where id = 1 for update nowait | update slot set n = 1 where id = 1 | commit',
  ),
  'a view': small('update slot set n = 1 where id = 1', 'select n from slots_seen'),
  'a trigger that writes elsewhere at once': small(
    "insert into noise values ('a')",
    'select n from heard',
  ),
  'a partition': small('insert into part_1 values (1)', 'select count(*)::int from parted'),
  'a sequence that fills a column': small(
    'insert into bill (n) values (1) returning id',
    "select nextval('bill_id_seq')::int",
  ),
  'times of two tables': small(
    "insert into stamp (who) values ('a')",
    "insert into stamp_too (who) values ('b')",
  ),
  'a table that was made on the way': small(
    'create table extra_made as select 0 as id | insert into extra_made values (1)',
    'select 1 | select count(*)::int from extra_made',
  ),
  'a COMMIT and who skips its rows': small(
    'begin | update slot set n = 1 where id = 1 | commit',
    'select n from slot where id = 1 for update skip locked',
  ),
  // B waits for A behind a row that it has already changed
  'a wait that holds something': small(
    "begin | insert into seat values (1, 'a') | select who from seat where no = 2 for update nowait | commit",
    "begin | update seat set no = 1, who = 'b' where no = 2 | commit",
  ),
  'a wait for a row': small(
    'begin | select n from slot where id = 1 for update | update slot set n = n + 1 where id = 1 | select count(*)::int from seat | commit',
    'begin | select n from slot where id = 1 for update | update slot set n = n * 3 where id = 1 | commit',
  ),
  'a wait for a row, with a snapshot of its own': small(
    'begin | update slot set n = 1 where id = 1 | select count(*)::int from seat | commit',
    'begin isolation level repeatable read | select n from slot where id = 1 for update | commit',
  ),
  'a wait for what the step before has locked': small(
    'select n from slot where id = 1 for update skip locked | begin | select n from slot where id = 1 for update skip locked | commit',
    'begin | select n from slot where id = 1 for share | commit',
  ),
  'two read one table and write another': small(
    "begin | select count(*)::int from seat | insert into seat values (1, 'a') | commit",
    "begin | select count(*)::int from seat | insert into seat values (2, 'b') on conflict do nothing | commit",
  ),
  'Redis: a write and two reads': small('SET k1 a | GET k2', 'SET k2 b | GET k1'),
  'Redis: SET NX': small('SET k1 a NX | GET k1', 'SET k1 b NX | DEL k1'),
  'Redis: a script with an undeclared key': small(
    "EVAL `return redis.call('set', 'k1', 'a')` 0 | GET k2",
    'GET k1 | SET k2 b',
  ),
  'Redis: refused SET NX': small('SET k1 a NX | SET k2 a NX', 'SET k2 b NX | SET k1 b NX'),
  'Redis: KEYS': small('KEYS * | GET k2', 'SET k1 b | SET k2 b'),
  'Redis: WATCH': small('WATCH k1 | MULTI SET k2 a', 'SET k1 b | GET k2'),
  'Redis: MULTI': small('MULTI GET k1, SET k2 a', 'SET k1 b | GET k2'),
  'Redis: PUBLISH': small('SUBSCRIBE news | HEARS | GET k1', 'SET k1 b | PUBLISH news b | DEL k1'),
};

function small(...callers: readonly string[]): Program {
  return {
    theme: 'known',
    callers: callers.map(callerOf),
    phases: false,
    fuseBegin: true,
  };
}

/** Two try-locks, by the other caller in the other order. */
function tries(text: string): Program {
  const [first, second] = [text.replace('$', '1'), text.replace('$', '2')];
  return small(`begin | ${first} | ${second} | commit`, `begin | ${second} | ${first} | commit`);
}

/**
 * The first caller looks at one table and writes to another, which the second changes: whether its
 * snapshot is older than that COMMIT decides between a failure and a second change.
 */
function snapshot(begins: string): Program {
  return small(
    `${begins} | select count(*)::int from seat | update slot set n = n + 1 where id = 1 returning n | commit`,
    'begin | update slot set n = n + 1 where id = 1 returning n | commit',
  );
}

function callerOf(text: string): Caller {
  return { steps: text.split(' | ').flatMap(partOf) };
}

function partOf(part: string): ProgramStep[] {
  const [, when, letter = ''] = /^(?:if (yes|no): )?(.*)$/.exec(part) ?? [];
  const steps = stepsOf(letter, () => 1);
  return when === 'yes' || when === 'no' ? steps.map(step => ({ ...step, when })) : steps;
}
