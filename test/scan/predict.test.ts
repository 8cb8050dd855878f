import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { Catalogue } from '../../src/scan/predict/catalogue.ts';
import { predicted } from '../../src/scan/predict/clears.ts';
import type { RecordedStatement } from '../../src/scan/record/recording.ts';
import type { Replayed } from '../../src/scan/replay/replayer.ts';
import { freshDatabase } from '../database.ts';
import { testServers } from '../servers.ts';
import { answerOf } from './requests.ts';

const database = await freshDatabase();
let catalogue: Catalogue;

beforeAll(async () => {
  const client = new pg.Client(database.url);
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`
    create table slot (id int primary key, seats int not null);
    create table booking (id serial primary key, slot_id int references slot, who text);
    create table account (id int primary key, email text unique, balance int);
    create table audited (id int primary key, n int);
    create function note() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger noting after update on audited for each row execute function note();
    create function total() returns bigint language sql as $$ select count(*) from booking $$;
    create view free as select * from slot where seats > 0;
    create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    create table tag (id serial primary key, name text collate loose, n int);
    create table note (code text, key uuid, n int);
    create table doubled (id int, n int, twice int generated always as (n * 2) stored unique)`);
  await client.end();
  catalogue = await Catalogue.of(testServers().postgresUrl, database.name);
});

type Sent = readonly [text: string, values?: readonly string[], result?: string];

/** What a request sent; between BEGIN and COMMIT it is one transaction. */
function ran(...statements: readonly Sent[]): Replayed {
  let transaction: number | null = null;
  const sent = statements.map(([text, values = [], result = 'SELECT 1']): RecordedStatement => {
    if (/^begin/i.test(text)) transaction = 1;
    const one = { store: 'postgres', connection: 1, transaction, text, among: [1] } as const;
    if (/^(commit|rollback)$/i.test(text)) transaction = null;
    return { ...one, values: [...values], result, among: [1] };
  });
  return { answer: answerOf(200, ''), statements: sent, session: [], restless: false };
}

/** The same request twice, or two that do not notice each other. */
async function of(one: Replayed, other = one): Promise<string> {
  const found = await predicted([one, other], [other, one], catalogue);
  return 'cleared' in found ? `cleared: ${found.cleared}` : `candidate: ${found.candidate}`;
}

const count: Sent = ['select count(*) from booking where slot_id = $1', ['1']];
const insert: Sent = [
  'insert into booking (slot_id, who) values ($1, $2)',
  ['1', 'ann'],
  'INSERT 0 1',
];
const lock = (id: string): Sent => [
  'select * from slot where id = $1 for update',
  [id],
  'SELECT 1',
];

describe('pairs that are cleared', () => {
  test('both only read', async () => {
    expect(await of(ran(count, ['select * from slot order by id limit 5']))).toBe(
      'cleared: both only read',
    );
  });

  test('both lock the same row before they look', async () => {
    const request = ran(['begin'], lock('1'), count, insert, ['commit']);
    expect(await of(request)).toBe(
      'cleared: both hold FOR UPDATE on public.slot (id = 1) before they look',
    );
  });

  test('two users of two rows', async () => {
    const debit = (id: string) =>
      ran(
        ['select balance from account where id = $1', [id]],
        ['update account set balance = balance - 1 where id = $1', [id], 'UPDATE 1'],
      );
    expect(await of(debit('1'), debit('2'))).toBe(
      'cleared: neither is at rows that the other writes',
    );
  });

  test('two rows that a plain cast names', async () => {
    const debit = (id: string) =>
      ran(['update account set balance = 0 where id = $1::int', [id], 'UPDATE 1']);
    expect(await of(debit('1'), debit('2'))).toMatch(/^cleared: /);
  });

  test('what a WITH names beside all tables', async () => {
    const read = ran(['with open as (select * from slot) select count(*) from open']);
    expect(await of(read)).toBe('cleared: both only read');
  });

  test('connections that were set up, with nothing that matters', async () => {
    const session = ["set timezone to 'UTC'", 'update slot set seats = 1', 'discard all'];
    expect(await of({ ...ran(['begin'], lock('1'), count, insert, ['commit']), session })).toMatch(
      /^cleared: /,
    );
  });
});

describe('pairs that stay candidates', () => {
  test.each<[string, Replayed, Replayed | undefined]>([
    ['look, then insert', ran(count, insert), undefined],
    [
      'the lock comes after the look',
      ran(['begin'], count, lock('1'), insert, ['commit']),
      undefined,
    ],
    [
      'the lock is on another row',
      ran(['begin'], lock('1'), count, insert, ['commit']),
      ran(['begin'], lock('2'), count, insert, ['commit']),
    ],
    [
      'the lock is given back before the write',
      ran(['begin'], lock('1'), count, ['commit'], insert),
      undefined,
    ],
    ['the lock is taken in autocommit', ran(lock('1'), count, insert), undefined],
    [
      'nothing was there to lock',
      ran(
        ['begin'],
        ['select * from slot where id = $1 for update', ['9'], 'SELECT 0'],
        count,
        insert,
        ['commit'],
      ),
      undefined,
    ],
    [
      'a share lock lets both in',
      ran(['begin'], ['select * from slot where id = $1 for share', ['1']], count, insert, [
        'commit',
      ]),
      undefined,
    ],
    [
      'a savepoint may give the lock back',
      ran(['begin'], ['savepoint a'], lock('1'), ['rollback to a'], count, insert, ['commit']),
      undefined,
    ],
    [
      'the snapshot is older than the lock',
      ran(['begin isolation level repeatable read'], lock('1'), count, insert, ['commit']),
      undefined,
    ],
    [
      'a trigger may do anything',
      ran(['update audited set n = 1 where id = 1', [], 'UPDATE 1']),
      ran(['update audited set n = 1 where id = 2', [], 'UPDATE 1']),
    ],
    ['a function may read anything', ran(['select total()']), undefined],
    ['a view is no table', ran(['select * from free'], insert), undefined],
    [
      'a unique index brings two rows together',
      ran(["insert into account (id, email) values (1, 'a')", [], 'INSERT 0 1']),
      ran(["insert into account (id, email) values (2, 'a')", [], 'INSERT 0 1']),
    ],
    [
      'a row is moved to where the other is',
      ran(['update account set id = 2 where id = 1', [], 'UPDATE 1']),
      ran(['delete from account where id = 2', [], 'DELETE 1']),
    ],
    ['a parent goes', ran(['delete from slot where id = 1', [], 'DELETE 1']), ran(insert)],
    [
      'an advisory lock is not understood',
      ran(['select pg_advisory_lock(1)'], count, insert),
      undefined,
    ],
    ['an error hides what a statement did', ran([count[0], ['1'], 'error 57014']), undefined],
    ['no parser reads it', ran(['selec 1']), undefined],
    [
      'a WITH has the name of the table that it reads',
      ran(
        ['with slot as (select * from slot where seats > 0) select count(*) from slot'],
        ['update slot set seats = 0 where id = 1', [], 'UPDATE 1'],
      ),
      ran(
        ['with slot as (select * from slot where seats > 0) select count(*) from slot'],
        ['update slot set seats = 0 where id = 2', [], 'UPDATE 1'],
      ),
    ],
    [
      'a generated column moves with its base',
      ran(['update doubled set n = 2 where twice = 2', [], 'UPDATE 1']),
      ran(['select n from doubled where twice = 4']),
    ],
    [
      'a unique index over a generated column brings two rows together',
      ran(['update doubled set n = 3 where id = 1', [], 'UPDATE 1']),
      ran(['insert into doubled (id, n) values (2, 3)', [], 'INSERT 0 1']),
    ],
    [
      'a cast makes two values one',
      ran(['update note set n = 1 where code = $1::varchar(3)', ['abcd'], 'UPDATE 1']),
      ran(['update note set n = 2 where code = $1::varchar(3)', ['abce'], 'UPDATE 1']),
    ],
    [
      'a number is written in two ways before it is a text',
      ran(['update note set n = 1 where code = $1::bigint::text', ['07'], 'UPDATE 1']),
      ran(['update note set n = 2 where code = $1::bigint::text', ['7'], 'UPDATE 1']),
    ],
    [
      'a collation holds two texts for equal',
      ran(['update tag set n = 1 where name = $1', ['a'], 'UPDATE 1']),
      ran(['update tag set n = 2 where name = $1', ['A'], 'UPDATE 1']),
    ],
    [
      'one uuid is written in two ways',
      ran(['update note set n = 1 where key = $1', [`{${'0'.repeat(31)}1}`], 'UPDATE 1']),
      ran([
        'update note set n = 2 where key = $1',
        ['00000000-0000-0000-0000-000000000001'],
        'UPDATE 1',
      ]),
    ],
  ])('%s', async (_name, one, other) => {
    expect(await of(one, other)).toMatch(/^candidate: /);
  });

  test.each([
    'set session characteristics as transaction isolation level repeatable read',
    "/* boot */ set lock_timeout to '1s'",
    "select set_config('default_transaction_isolation', 'repeatable read', false)",
    'select 1; set default_transaction_isolation = serializable',
    "alter role app set lock_timeout = '1s'",
    `set "options" to '-c default_transaction_isolation=serializable'`,
  ])('a connection was opened with: %s', async text => {
    const request = ran(['begin'], lock('1'), count, insert, ['commit']);
    expect(await of({ ...request, session: [text] })).toMatch(/^candidate: /);
  });

  test('what a request does behind the other counts, too', async () => {
    const alone = ran(['begin'], lock('1'), count, insert, ['commit']);
    const behind = ran(
      ['begin'],
      lock('1'),
      count,
      ['commit'],
      ['update slot set seats = 1', [], 'UPDATE 1'],
    );
    const found = await predicted([alone, behind], [alone, behind], catalogue);
    expect(found).toHaveProperty('candidate');
  });
});
