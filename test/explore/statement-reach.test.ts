import { expect, test } from 'vitest';
import { statesIsolation } from '../../src/explore/gate/postgres-statement.ts';
import { reachOf } from '../../src/explore/run/statement-reach.ts';

test.each(["insert into a values ('now')", "select ' Today '::date", 'select now()'])(
  '%s reads the clock',
  text => {
    expect(reachOf(text).readsClock).toBe(true);
  },
);

test('a text that only holds the word does not', () => {
  expect(reachOf("insert into a values ('now and then')").readsClock).toBe(false);
});

test.each([
  "select /* don't wait */ pg_try_advisory_xact_lock(1) as free, 'x' as who",
  "select 1 -- it's\n, pg_try_advisory_xact_lock(1), 'x'",
])('an apostrophe in a comment hides no call: %s', text => {
  expect(reachOf(text).reach).toBe('unknown');
});

test.each([
  `select 1 as "it's", pg_try_advisory_xact_lock(1), 'x'`,
  "select /* /* */ ' */ pg_try_advisory_xact_lock(1) /* ' */",
  'select écount(1)',
  'select "a name"(1)',
])('a call is found behind whatever stands before it: %s', text => {
  expect(reachOf(text).reach).toBe('unknown');
});

test('to take over a snapshot may fail by the end of another transaction', () => {
  expect(reachOf("set transaction snapshot '00000003-0000001B-1'").reach).toBe('unknown');
  const both = "begin isolation level repeatable read; set transaction snapshot 'x'";
  expect(reachOf(both).reach).toBe('unknown');
  expect(reachOf('set transaction read only').reach).toBe('arranges');
});

test.each([
  'update pg_settings set setting = $1 where name = $2',
  'select set_config /* whatever */ ($1, $2, true)',
])('a setting whose name is not shown may be the isolation: %s', text => {
  expect(statesIsolation(text)).toBe(true);
});
