import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject, type Work } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const options = { servers, phases: false } as const;
const table = `create table note (id serial primary key, t text);
  create table parent (id int primary key);
  create table child (p int references parent deferrable initially deferred)`;
const nothing = 'select 1 where false';

/** What the only order of one actor returns. */
async function told(actor: ActorFunction, setup = table): Promise<unknown> {
  const seen: unknown[] = [];
  const found = await explore(
    {
      ...subject(setup, nothing, [actor]),
      check: ([end]) => {
        seen.push(end);
        return [];
      },
    },
    options,
  );
  expect(found).toMatchObject({ violating: 0, exhausted: true });
  const [end] = seen;
  expect(end).toMatchObject({ kind: 'returned' });
  return Reflect.get(Object(end), 'value');
}

/** The labels of the steps of one actor's only order. */
async function stepsOf(work: Work): Promise<string[]> {
  const found = await explore(subject(table, 'select 1', [onePgClient(work)]), options);
  return found.counterexample?.record.lines.map(line => line.label) ?? [];
}

/** Fields, rows, commands, or the error, of a message: all that a client can see. */
async function answer(client: pg.Client, text: string): Promise<unknown> {
  try {
    const results = [await client.query(text)].flat();
    return results.map(({ command, rowCount, rows, fields }) => [
      command,
      rowCount,
      rows,
      fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
    ]);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return [error.code, error.message, error.position];
  }
}

const sayings = [
  'please set statement_timeout = 5000 there',
  "lock_timeout to '7s'",
  'set local lock_timeout = 1',
];

describe('what a program says reaches the server as it is', () => {
  test('a text that names a setting is stored as it is, however it is sent', async () => {
    const rows = await told(
      onePgClient(async query => {
        for (const saying of sayings) {
          await query(`insert into note (t) values ('${saying.replaceAll("'", "''")}')`);
          await query(`insert into note (t) values ($x$${saying}$x$) /* lock_timeout = 3 */`);
          await query(`select set_config('app.note', 'lock_timeout = 9', false)`);
        }
        await query(`create function f() returns text language sql
          as $f$ select 'set lock_timeout = 4'::text $f$`);
        const [noted] = await query(`select current_setting('app.note') as t`);
        const [made] = await query('select f() as t');
        return [...(await query('select t from note order by id')), noted, made].map(row => row?.t);
      }),
    );
    expect(rows).toEqual([
      ...sayings.flatMap(saying => [saying, saying]),
      'lock_timeout = 9',
      'set lock_timeout = 4',
    ]);
  });

  test('nor does a parameter change', async () => {
    const rows = await told(async ({ pgUrl }) => {
      const client = new pg.Client(pgUrl);
      await client.connect();
      for (const t of sayings) await client.query('insert into note (t) values ($1)', [t]);
      const { rows } = await client.query('select t from note order by id');
      await client.end();
      return rows.map(row => row.t);
    });
    expect(rows).toEqual(sayings);
  });

  test('a message of several statements is answered as without the gate', async () => {
    const messages = [
      "begin; insert into note (t) values ('a'); select count(*) from note; commit",
      'begin; select nothing_such; select 2; commit',
      'rollback',
      "begin; insert into note (t) values ('b') returning t;; commit; select t from note order by id",
      'begin; insert into child values (1); commit; select 3',
      'begin; select 1 as a; commit and chain; select 2 as b; rollback; begin; select 3 as c; end',
      'begin; savepoint s; select 1/0; select 5; commit',
      'rollback to savepoint s; select 6; commit',
      "select 7; insert into note (t) values ('c')",
      'select 8; select 1/0',
      'begin; select 9',
      'select 10; select 11; rollback; select 12',
      "begin; insert into note (t) values ('ü'); select note from parent; commit",
      'rollback; begin; select 13; commit',
      "begin; do $$ begin raise notice 'x; y'; end $$; select 'a;b' as \"c;d\"; commit",
      '; ;',
      'begin; select 14; commit; vacuum note',
      'select count(*) from note',
    ];
    const run = async (url: string): Promise<unknown[]> => {
      const client = new pg.Client(url);
      await client.connect();
      const answers: unknown[] = [];
      for (const message of messages) answers.push(await answer(client, message));
      await client.end();
      return answers;
    };
    const direct: unknown[][] = [];
    const through = await told(({ pgUrl }) => run(pgUrl));
    const found = await explore(
      {
        ...subject(table, nothing, [async () => 'nothing']),
        prepare: async url => {
          direct.push(await run(url));
        },
      },
      options,
    );
    expect(found.orders).toBe(1);
    expect(through).toEqual(direct[0]);
  });
});

describe('the timeouts of a session read as they were set', () => {
  test.each<[string, readonly string[], unknown]>([
    ['SET', ["set lock_timeout = '2s'"], '2s'],
    ['SET LOCAL', ["set lock_timeout = '2s'", 'begin', 'set local lock_timeout = 700'], '700ms'],
    ['after its transaction', ['begin', "set local lock_timeout = '2s'", 'commit'], '0'],
    ['SET in a transaction', ['begin', "set lock_timeout = '2s'", 'commit'], '2s'],
    ['and rolled back', ['begin', "set lock_timeout = '2s'", 'rollback'], '0'],
    [
      'to a savepoint',
      ["set lock_timeout = '3s'", 'begin', 'savepoint s', 'set lock_timeout = 1', 'rollback to s'],
      '3s',
    ],
    ['RESET', ["set lock_timeout = '2s'", 'reset lock_timeout'], '0'],
    ['TO DEFAULT', ["set lock_timeout = '2s'", 'set lock_timeout to default'], '0'],
    ['DISCARD ALL', ["set lock_timeout = '2s'", 'discard all'], '0'],
    ['set_config', ["select set_config('lock_timeout', '4s', false)"], '4s'],
    [
      'off in a transaction',
      ["set lock_timeout = '2s'", 'begin', 'set lock_timeout = 0', 'commit'],
      '0',
    ],
    ['in a block', ["do $$ begin set lock_timeout = '5s'; end $$"], '5s'],
  ])('%s', async (_, statements, value) => {
    const shown = await told(
      onePgClient(async query => {
        for (const statement of statements) await query(statement);
        await query('select count(*) from note');
        const [shows] = await query('show lock_timeout');
        const [reads] = await query("select current_setting('lock_timeout') as lock_timeout");
        return [shows?.lock_timeout, reads?.lock_timeout];
      }),
    );
    expect(shown).toEqual([value, value]);
  });

  test('from the start-up packet, a parameter of set_config, and the defaults of a role', async () => {
    const shown = await told(async ({ pgUrl }) => {
      const values: unknown[] = [];
      const ask = async (config: pg.ClientConfig, set?: string): Promise<void> => {
        const client = new pg.Client({ connectionString: pgUrl, ...config });
        await client.connect();
        if (set !== undefined) {
          await client.query('select set_config($1, $2, false)', ['lock_timeout', set]);
        }
        const { rows } = await client.query('show lock_timeout');
        values.push(rows[0]?.lock_timeout);
        await client.end();
      };
      await ask({ options: '-c lock_timeout=7s' });
      await ask({ lock_timeout: 1500 });
      await ask({}, '1min');
      const client = new pg.Client(pgUrl);
      await client.connect();
      const { database } = client;
      await client.query(`alter database "${database}" set lock_timeout = '8s'`);
      await ask({});
      await client.query(`alter database "${database}" reset lock_timeout`);
      await client.end();
      await ask({});
      return values;
    });
    expect(shown).toEqual(['7s', '1500ms', '1min', '8s', '0']);
  });
});

describe('chatter', () => {
  test('is a statement that does nothing else', async () => {
    const steps = [
      "select set_config('app.user', '1', true), pg_advisory_xact_lock(9)",
      'select version(), pg_try_advisory_lock(1)',
      'select 1 from pg_type, note',
      "select 1 from pg_type where typname = 'mood'",
      'select 1 from pg_type where exists (select from note)',
      "select count(*) from pg_settings where nextval('note_id_seq') > 0",
      'select 1; select t from note',
      'discard all',
      'set constraints all immediate',
    ];
    const chatter = [
      "select set_config('app.user', '1', true), current_setting('app.user')",
      "set application_name = 'a; b'; set search_path = public",
      'select 1',
      'select 1+1 as result',
      'select current_schema()',
      "select t.oid, t.typname, t.typarray from pg_catalog.pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typname in ('int4', 'text')",
      'show server_version',
    ];
    const found = await stepsOf(async query => {
      for (const text of [...chatter, ...steps]) await query(text);
    });
    expect(found).toEqual(steps);
  });

  test('that reads is a step where it fixes the snapshot of a transaction', async () => {
    const found = await stepsOf(async query => {
      await query('begin isolation level repeatable read');
      await query("select set_config('app.user', '1', true)");
      await query("select set_config('app.user', '2', true)");
      await query('commit');
    });
    expect(found).toEqual([
      'begin isolation level repeatable read',
      "select set_config('app.user', '1', true)",
      'commit',
    ]);
  });
});
