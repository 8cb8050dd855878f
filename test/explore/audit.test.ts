import { afterAll, beforeAll, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { PostgresControl } from '../../src/explore/run/postgres-control.ts';
import { freshDatabase } from '../database.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const { url } = await freshDatabase();
const control = new PostgresControl(url);
beforeAll(() => control.open());
afterAll(() => control.close());

test('an audit is asked again of a table that the actors have changed meanwhile', async () => {
  await control.query('create table changing (a int); insert into changing values (1)');
  const audit = 'select * from changing';
  for (let time = 0; time < 3; time += 1) expect(await control.audit(audit)).toEqual([{ a: 1 }]);
  await control.query("alter table changing add column b text default 'x'");
  expect(await control.audit(audit)).toEqual([{ a: 1, b: 'x' }]);
  await control.query('drop table changing; create table changing (c int)');
  expect(await control.audit(audit)).toEqual([]);
});

test('more different audits than are kept prepared are answered all the same', async () => {
  for (let at = 0; at < 200; at += 1)
    expect(await control.audit(`select ${at} as at`)).toEqual([{ at }]);
});

test('a mistake in an audit is told, and the next one is answered', async () => {
  await expect(control.audit('select nope')).rejects.toThrow(/nope/);
  await expect(control.audit('select 1 as one; select 2')).rejects.toThrow(/multiple commands/);
  expect(await control.audit('select 1 as one')).toEqual([{ one: 1 }]);
});

test.each([
  ['delete from seat returning id', 'cannot execute DELETE in a read-only transaction'],
  [' ; -- to do', 'the audit is empty'],
])('an audit that cannot judge is refused: %s', async (audit, why) => {
  const act = onePgClient(query => query('insert into seat values (1)'));
  const servers = { pgUrl: testServers().postgresUrl };
  const found = await explore(subject('create table seat (id int)', audit, [act, act]), {
    servers,
  });
  expect(found.outcome).toBe('setup-failed');
  expect(found.why).toContain(why);
});
