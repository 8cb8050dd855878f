/** What callers make themselves, and later statements run. */
import { expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const options = { servers, phases: false } as const;
const table = 'create table booking (id serial primary key, who text)';

test.each<[string, string, string, boolean]>([
  [
    'a trigger that looks',
    `create function cap() returns trigger language plpgsql as $$ begin
        if (select count(*) from booking) > 1 then raise 'full'; end if; return new; end $$`,
    'create trigger caps before insert on public.booking for each row execute function cap()',
    true,
  ],
  [
    'a trigger that sets a column',
    `create function stamp() returns trigger language plpgsql as $$ begin
        new.who := upper(new.who); return new; end $$`,
    'create or replace trigger stamps before insert on booking for each row execute function stamp()',
    false,
  ],
  [
    'a default that looks',
    "create function next_one() returns text language sql as 'select max(who) from booking'",
    'alter table only booking alter who set default next_one()',
    true,
  ],
  [
    'a rule',
    'select 1 from booking',
    'create rule twice as on insert to booking do also delete from booking where who is null',
    true,
  ],
])('a write is more than one step behind %s', async (_, first, then, hides) => {
  const text = 'insert into booking (id) values (7)';
  const actor = onePgClient(async query => {
    for (const one of [first, then, text]) await query(one);
  });
  const found = await explore(subject(table, 'select 1', [actor]), options);
  const why = 'what a write to booking runs (a trigger, a rule)';
  expect(found.counterexample?.record.hides).toEqual(hides ? [`${text}: ${why}`] : []);
});

test('a table that callers made is filled in one step, and the verdict says so', async () => {
  const make = 'create table if not exists seat (who text)';
  const text = "insert into seat select 'me' where (select count(*) from seat) < 1";
  const actor = onePgClient(async query => {
    for (const one of [make, text, "insert into seat values ('you')"]) await query(one);
  });
  const found = await explore(subject('create table x (id int)', 'select 1', [actor]), options);
  const why = 'a write that looks, to seat, which callers made';
  expect(found.counterexample?.record.hides).toEqual([`${text}: ${why}`]);
});

test.each([
  ["update seat set who = 'me' where (select count(*) from seat) < 1", true],
  ['delete from seat where who in (select who from booking)', true],
  ["update seat set who = substring(who from 1) where who = 'me'", false],
  ["delete from seat where who is distinct from 'me'", false],
  ["select who from seat where who = 'me' for update", false],
])('a write to such a table that looks elsewhere is named: %s', async (text, hides) => {
  const actor = onePgClient(async query => {
    for (const one of ['create table if not exists seat (who text)', text]) await query(one);
  });
  const found = await explore(subject(table, 'select 1', [actor]), options);
  const why = 'a write that looks, to seat, which callers made';
  expect(found.counterexample?.record.hides).toEqual(hides ? [`${text}: ${why}`] : []);
});
