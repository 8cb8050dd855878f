import { beforeAll, expect, test } from 'vitest';
import { loadParser, statementsOf, tablesIn } from '../../src/scan/sql/parse.ts';
import { rewriterOf, withLock } from '../../src/scan/what-if/rewriters.ts';

beforeAll(loadParser);

test('a text is read by the parser of Postgres, and what it refuses is no statement', () => {
  const [first, second] =
    statementsOf("select 'é;' from a.slot s -- x\n; update b set n = 1") ?? [];
  expect([first?.text, second?.text]).toEqual([
    "select 'é;' from a.slot s -- x",
    'update b set n = 1',
  ]);
  expect(tablesIn(first?.node)).toEqual(['slot']);
  expect(statementsOf('selec 1')).toBeUndefined();
});

test('a locking clause stands behind the statement, not behind its semicolon', () => {
  expect(withLock('select id from slot where id = $1 limit 1;', 'for update')).toBe(
    'select id from slot where id = $1 limit 1 for update',
  );
});

test('statements outside of transactions are put into one, which ends with the caller', () => {
  const rewriter = rewriterOf({ wraps: true, first: 'select lock()' });
  expect(rewriter.atEnd('I', false)).toEqual([]);
  expect(rewriter.before(['select 1 from slot'], 'I')).toEqual(['begin', 'select lock()']);
  expect(rewriter.before(['insert into booking values (1)'], 'T')).toEqual([]);
  expect(rewriter.atEnd('T', false)).toEqual(['commit']);
  expect(rewriter.atEnd('T', false)).toEqual([]);
  expect(rewriter.before(['select 1 from slot'], 'I')).toEqual(['begin', 'select lock()']);
  expect(rewriter.atEnd('T', true)).toEqual(['rollback']);
});

test('a transaction of the caller stays its own, with the lock behind its BEGIN', () => {
  const rewriter = rewriterOf({ wraps: true, first: 'select lock()' });
  expect(rewriter.before(['begin'], 'I')).toEqual([]);
  expect(rewriter.before(['select 1 from slot'], 'T')).toEqual(['select lock()']);
  expect(rewriter.before(['select 2 from slot'], 'T')).toEqual([]);
  expect(rewriter.before(['commit'], 'T')).toEqual([]);
  expect(rewriter.atEnd('I', false)).toEqual([]);
});

test('only the statement that is meant is said otherwise, whatever its blanks and comments', () => {
  const rewriter = rewriterOf({
    wraps: false,
    instead: new Map([['select seats from slot where id = 1', 'select 2']]),
  });
  expect(rewriter.text('select seats\n  from slot -- which\n where id = 1')).toBe('select 2');
  expect(rewriter.text('select seats from slot where id = 2')).toBe(
    'select seats from slot where id = 2',
  );
  expect(rewriter.before(['select 2'], 'I')).toEqual([]);
});
