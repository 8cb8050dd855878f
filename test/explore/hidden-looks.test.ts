/** Looks that one message hides though no SELECT stands there, and such as it does not. */
import { expect, test } from 'vitest';
import { hiddenIn } from '../../src/explore/gate/postgres-hides.ts';
import { Routines } from '../../src/explore/gate/routines.ts';
import { sqlStatements } from '../../src/explore/wire/sql-split.ts';

const booking = { name: 'booking', writes: [], functions: [], ruled: false, isDomain: false };

/** What a text hides where there is a table, and a function with this body. */
function hides(text: string, body = ''): string | undefined {
  const routines = new Routines();
  const book = { name: 'book', language: 'plpgsql', body, tables: [], isVolatile: true };
  routines.learn([{ ...book, isLikeColumn: false, isUnnamed: false }], [booking]);
  return hiddenIn(sqlStatements(text), routines);
}

test('a queue that is emptied hides none: what it deletes from it does not look at', () => {
  const next = 'select id from booking order by id limit 1 for update skip locked';
  expect(hides(`delete from booking where id = (${next})`)).toBeUndefined();
  expect(hides(`delete from only booking where id = (${next})`)).toBeUndefined();
  const both = `delete from booking using booking b where booking.id = (${next})`;
  expect(hides(both)).toBe('a look, and a lock that is only tried');
});

test.each([
  ['n := count(*) from booking;', true],
  ["n := extract(year from date '2026-01-01');", false],
  ['n := case when a is distinct from b then 1 end;', false],
])('%s before an INSERT in a function', (look, isLook) => {
  const body = `declare n int; begin ${look} insert into booking default values; return n; end`;
  const why = 'a function of several statements, book';
  expect(hides('select book()', body)).toBe(isLook ? why : undefined);
});

test('what another session is sent no gate sees', () => {
  const sends = "dblink_exec('', 'delete from booking')";
  const why = 'what another session does for it, by dblink_exec';
  expect(hides(`select ${sends}`)).toBe(why);
  const inside = hides('select book()', `begin perform ${sends}; end`);
  expect(inside).toBe('a function of several statements, book');
});
