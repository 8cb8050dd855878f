import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Subject } from '../../src/explore/explore.ts';
import { WorldChanged } from '../../src/explore/run/not-put-back.ts';
import { World } from '../../src/explore/run/world.ts';
import { testServers } from '../servers.ts';

const setup = `
  create table account (id int primary key, owner text not null, balance int check (balance >= 0));
  create index account_owner on account (owner);
  create table entry (id serial primary key, account int);
  create type state as enum ('open', 'closed');
  create function fee(amount int) returns int language sql as 'select amount / 10';
  create view rich as select * from account where balance > 1000;
  create materialized view owners as select distinct owner from account;
  insert into account values (1, 'ann', 100), (2, 'bob', 5000);
  refresh materialized view owners;
  do $$ begin
    execute format('alter database %I set geqo_threshold = 21', current_database());
  end $$`;

const subject: Subject = { setup, audit: 'select 1 where false', actors: { ann: async () => 1 } };

async function asAdmin(text: string): Promise<void> {
  const client = new pg.Client(testServers().postgresUrl);
  await client.connect();
  await client.query(text).finally(() => client.end());
}

/** A role of this file's own: what is set for it must not reach other tests. */
async function urlOfRole(rights: string): Promise<string> {
  const [name, password] = [
    `world_${randomBytes(6).toString('hex')}`,
    randomBytes(12).toString('hex'),
  ];
  await asAdmin(`create role ${name} login ${rights} password '${password}'`);
  afterAll(() => asAdmin(`drop owned by ${name}; drop role ${name}`));
  const url = new URL(testServers().postgresUrl);
  url.username = name;
  url.password = password;
  return url.href;
}

let world: World;

/** What a caller does in a session of its own, that is over when the order is. */
async function asCaller(...texts: readonly string[]): Promise<unknown> {
  const client = new pg.Client(world.urls.pgUrl);
  await client.connect();
  try {
    let value: unknown;
    for (const text of texts) {
      const { rows } = await client.query({ text, rowMode: 'array' });
      value = rows;
    }
    return value;
  } finally {
    await client.end();
  }
}

async function nextOrder(...statements: readonly string[]): Promise<void> {
  // what is done here goes through no gate
  Object.assign(world.arena.redisTraces, { any: true, code: true });
  world.lookAhead(statements);
  await world.renew();
  await world.restoreRows().catch(async error => {
    if (!(error instanceof WorldChanged)) throw error;
    await world.renew();
    await world.restoreRows();
  });
}

const columns =
  "select string_agg(attname, ' ') from pg_attribute where attrelid = 'account'::regclass";
const role = 'select setconfig::text from pg_db_role_setting where setrole = current_user::regrole';

/** A statement, and a question that is answered otherwise behind it. */
type Change = readonly [text: string, question: string];

const changes: readonly Change[] = [
  ["comment on table account is 'money'", "select obj_description('account'::regclass)"],
  ['create table note (id int)', "select to_regclass('note')"],
  ['create table if not exists note as select 1 as one', "select to_regclass('note')"],
  ['drop table entry', "select to_regclass('entry')::text"],
  ['alter table account add column note text', columns],
  ['alter table account rename column owner to who', columns],
  [
    'alter table account drop constraint account_balance_check',
    'select count(*) from pg_constraint',
  ],
  ['alter table account alter column balance set default 5', 'select count(*) from pg_attrdef'],
  [
    'alter table account enable row level security',
    'select sum(relrowsecurity::int) from pg_class',
  ],
  ['alter table account set (fillfactor = 50)', 'select count(reloptions) from pg_class'],
  ['create index on entry (account)', "select count(*) from pg_indexes where tablename = 'entry'"],
  ['create index concurrently e on entry (account)', "select to_regclass('e')"],
  ['drop index account_owner', "select to_regclass('account_owner')::text"],
  ["alter type state add value 'frozen'", 'select count(*) from pg_enum'],
  ['create type size as (n int)', "select to_regtype('size')"],
  ['create domain positive as int check (value > 0)', "select to_regtype('positive')"],
  [
    "create or replace function fee(amount int) returns int language sql as 'select amount / 2'",
    'select fee(100)',
  ],
  ['drop function fee', "select to_regproc('fee')::text"],
  ["do $$ begin execute 'create schema other'; end $$", "select to_regnamespace('other')"],
  [
    'create or replace view rich as select * from account where balance > 1',
    'select count(*) from rich',
  ],
  ['refresh materialized view owners', "select count(*) from owners where owner = 'eve'"],
  [
    'create trigger t before insert on entry for each row execute function suppress_redundant_updates_trigger()',
    'select count(*) from pg_trigger',
  ],
  ['create policy p on account', 'select count(*) from pg_policies'],
  ['create rule r as on delete to entry do instead nothing', 'select count(*) from pg_rules'],
  ['alter sequence entry_id_seq increment by 10', 'select seqincrement from pg_sequence'],
  ['create sequence number', "select to_regclass('number')"],
  ['create statistics s on owner, balance from account', 'select count(*) from pg_statistic_ext'],
  [
    'grant select on account to public',
    "select relacl::text from pg_class where oid = 'account'::regclass",
  ],
  [
    'alter default privileges grant select on tables to public',
    'select count(*) from pg_default_acl',
  ],
  [
    'revoke all on schema public from public',
    "select nspacl::text from pg_namespace where nspname = 'public'",
  ],
  ['select lo_create(4711)', 'select count(*) from pg_largeobject_metadata'],
  ["alter role current_user set work_mem = '8MB'", role],
  ['alter role current_user set search_path = "$user", other', role],
];

/** What only a superuser may do. */
const privileged: readonly Change[] = [
  [
    'revoke execute on function pg_catalog.pg_sleep(float8) from public',
    "select proacl::text from pg_proc where oid = 'pg_catalog.pg_sleep(float8)'::regprocedure",
  ],
];

describe.each([
  ['superuser', [...changes, ...privileged]],
  ['createdb', changes],
] as const)('as a role that is %s', (rights, all) => {
  let opened: World;
  beforeAll(async () => {
    opened = await World.open(subject, { pgUrl: await urlOfRole(rights) }, { phases: false });
    await opened.fill(60_000);
  });
  beforeEach(() => {
    world = opened;
  });
  afterAll(() => opened.close());

  describe('what an order changes is as it was before the next one', () => {
    test.each(all)('%s', async (text, question) => {
      const before = await asCaller(question);
      const changed = await asCaller(
        "update account set owner = 'eve' where id = 1",
        text,
        question,
      );
      expect(changed).not.toEqual(before);
      await nextOrder(text);
      expect(await asCaller(question)).toEqual(before);
      expect(await asCaller('select owner from account where id = 1')).toEqual([['ann']]);
    });

    test('a setting of the database', async () => {
      const name = new URL(world.urls.pgUrl).pathname.slice(1);
      const shown = () => asCaller('show work_mem');
      const before = await shown();
      // once behind another run of the setup, once from the copy
      for (let time = 0; time < 2; time++) {
        await asCaller(`alter database ${name} set work_mem = '9MB'`);
        expect(await shown()).toEqual([['9MB']]);
        await nextOrder();
        expect(await shown()).toEqual(before);
        expect(await asCaller('show geqo_threshold')).toEqual([['21']]);
        // the explorer's own setting of it is there still
        expect(await asCaller('show synchronous_commit')).toEqual([['off']]);
      }
    });

    test('a prepared transaction, which keeps its locks without a session', async ({ skip }) => {
      const [[most]] = (await asCaller('show max_prepared_transactions')) as [[string]];
      skip(most === '0', 'this server prepares no transactions');
      await asCaller('begin', 'update account set balance = 0', "prepare transaction 'kept'");
      await nextOrder();
      expect(
        await asCaller('select gid from pg_prepared_xacts where database = current_database()'),
      ).toEqual([]);
      expect(await asCaller('select balance from account order by id')).toEqual([[100], [5000]]);
    });
  });

  describe('the database is kept', () => {
    const id = () => asCaller('select oid from pg_database where datname = current_database()');

    test.each([
      ['insert into entry (account) values (1)'],
      ['truncate account, entry restart identity'],
      ['create temporary table scratch (n int)'],
      ['analyze'],
    ])('after %s', async text => {
      const before = await id();
      await asCaller(text);
      await nextOrder(text);
      expect(await id()).toEqual(before);
      expect(await asCaller('insert into entry (account) values (1) returning id')).toEqual([[1]]);
      await nextOrder();
    });
  });

  test('the role has its own settings again at the end', async () => {
    const own = await World.open(subject, { pgUrl: opened.urls.pgUrl }, { phases: false });
    await own.fill(60_000);
    const before = await asCaller(role);
    const client = new pg.Client(own.urls.pgUrl);
    await client.connect();
    await client.query("alter role current_user set statement_timeout = '77s'");
    await client.end();
    expect(await asCaller(role)).not.toEqual(before);
    await own.close();
    expect(await asCaller(role)).toEqual(before);
  });
});
