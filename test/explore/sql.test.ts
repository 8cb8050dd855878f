import { describe, expect, test } from 'vitest';
import { sqlTokens } from '../../src/explore/wire/sql-lexer.ts';
import { sqlStatements } from '../../src/explore/wire/sql-split.ts';

function split(text: string): string[] {
  return sqlStatements(text).map(statement => statement.text);
}

describe('SQL is split where the server splits it', () => {
  test('at semicolons, with empty statements left out', () => {
    expect(split(' begin;; select 1 ; commit;')).toEqual(['begin', 'select 1', 'commit']);
  });

  test('never in a string, a quoted name, a dollar quote or a comment', () => {
    for (const one of [
      "insert into t values ('a;b''; c')",
      "select E'it\\'s; here'",
      `select U&'d\\0061t;', "odd;""name"`,
      'do $$ begin a; b; end $$',
      'select $body$ $$;$$ $body$',
      'select 1 /* ; /* ; */ ; */ + 1',
      'select 1 -- ;\n + 1',
    ]) {
      expect(split(`${one}; commit`)).toEqual([one, 'commit']);
    }
  });

  test('a backslash before a quote is an escape only where the server says so', () => {
    const text = String.raw`select 'a\'; select 'b'`;
    expect(split(text)).toHaveLength(2);
    expect(sqlStatements(text, true)).toHaveLength(1);
  });

  test('a rule and a function in standard SQL hold semicolons', () => {
    const rule = 'create rule r as on insert to t do also (insert into a values (1); select 2)';
    const body = 'begin atomic select case when true then 1 end; select 2; end';
    const routine = `create or replace function f() returns int ${body}`;
    expect(split(`${rule}; ${routine}; select 3`)).toEqual([rule, routine, 'select 3']);
  });

  test('a parameter, a number and an identifier with a dollar sign are told apart', () => {
    const kinds = sqlTokens('a$b$ $1 1.5e-3 $$x$$').map(token => token.kind);
    expect(kinds).toEqual(['word', 'parameter', 'number', 'dollar']);
  });

  test('what is never closed reaches to the end', () => {
    for (const one of ["select 'a; b", 'select $$a; b', 'select "a; b']) {
      expect(split(one)).toEqual([one]);
    }
    expect(split('select 1 /* a; b')).toEqual(['select 1']);
  });
});
