import { expect, test } from 'vitest';
import { altersDefaults, mentionsTimeout } from '../../src/explore/gate/timeout-mention.ts';
import { sqlStatements } from '../../src/explore/wire/sql-split.ts';

function only(text: string) {
  const [statement] = sqlStatements(text);
  if (statement === undefined) throw new Error('one statement was given');
  return statement;
}

test.each<[string, ReturnType<typeof mentionsTimeout>]>([
  ["set lock_timeout = '1s'", 'session'],
  ['set session "statement_timeout" to 5', 'session'],
  ["SET LOCAL Lock_Timeout = '1s'", 'transaction'],
  ['reset transaction_timeout', 'session'],
  ['reset all', 'session'],
  ['discard all', 'session'],
  ['show all', 'transaction'],
  ['show idle_session_timeout', 'transaction'],
  ["select set_config('lock_timeout', '1s', false)", 'session'],
  ["select set_config('lock_timeout', '1s', true)", 'transaction'],
  ['select set_config($1, $2, false)', 'session'],
  ['select current_setting($1)', 'transaction'],
  ["update pg_settings set setting = '1' where name like 'lock%'", 'transaction'],
  ["do $$ begin set local lock_timeout = '1s'; end $$", 'transaction'],
  ["select set_config('work_mem', '4MB', false)", undefined],
  ["insert into note values ('mind the lock_timeout')", undefined],
  ["set work_mem = '4MB'", undefined],
])('%s: a timeout for %s', (text, reach) => {
  expect(mentionsTimeout(only(text))).toBe(reach);
});

test('what later sessions begin with', () => {
  for (const of of ['role ann', 'user ann', 'database d', 'system'])
    expect(altersDefaults(only(`alter ${of} set lock_timeout = '1s'`))).toBe(true);
  expect(altersDefaults(only('alter table t add n int'))).toBe(false);
});
