import { expect, test } from 'vitest';
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
