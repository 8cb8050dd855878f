/** Roles and other databases: they belong to the server, and no order may leave any behind. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const nothing = 'select 1 where false';
const name = `beyond_${randomBytes(4).toString('hex')}`;
const admin = new pg.Client(servers.pgUrl);
await admin.connect();
afterAll(() => admin.end());

async function there(): Promise<number> {
  const { rows } = await admin.query(`
    select rolname from pg_roles where rolname like '${name}%'
    union all select datname from pg_database where datname like '${name}%'`);
  return rows.length;
}

/** Makes it unless it is there; what is thrown counts as a violation. */
function makes(kind: 'role' | 'database'): ActorFunction {
  const named = kind === 'role' ? 'rolname' : 'datname';
  const catalogue = kind === 'role' ? 'pg_roles' : 'pg_database';
  return onePgClient(async query => {
    const found = await query(`select 1 from ${catalogue} where ${named} = '${name}_made'`);
    if (found.length === 0) await query(`create ${kind} ${name}_made`);
  });
}

test.each(['role', 'database'] as const)(
  'a %s that callers make is gone before the next order',
  async kind => {
    const found = await explore(
      {
        ...subject('create table x (id int)', nothing, [makes(kind), makes(kind)]),
        check: ends => ends.flatMap(end => (end?.kind === 'threw' ? [end.message] : [])),
      },
      { servers, preemptions: 1 },
    );
    expect(found.outcome).toBe('unsafe');
    expect(found.violating).toBeLessThan(found.orders);
    expect(await there()).toBe(0);
  },
);

test('a role that the setup makes is there in each order, and gone at the end', async () => {
  const setup = `create role ${name}_app; create table x (id int); grant select on x to ${name}_app`;
  const alters = onePgClient(async query => {
    await query('create table if not exists y (id int)');
    return (await query(`select 1 from pg_roles where rolname = '${name}_app'`)).length;
  });
  const looks = onePgClient(query => query('select count(*) from x'));
  for (let times = 0; times < 2; times++) {
    const program = { ...subject(setup, nothing, [alters, looks]), expect: 'independent' } as const;
    const found = await explore(program, { servers, preemptions: 1 });
    expect(found.told[0]?.endings).toEqual([{ ending: 'returned 1', orders: found.orders }]);
    expect(await there()).toBe(0);
  }
});

test('a caller that goes to another database leaves no verdict of safe', async () => {
  const other: ActorFunction = async urls => {
    const url = new URL(urls.pgUrl);
    url.pathname = '/template1';
    return onePgClient(query => query('select count(*) from pg_class'))({
      ...urls,
      pgUrl: url.href,
    });
  };
  const own = onePgClient(query => query('select count(*) from x'));
  const found = await explore(subject('create table x (id int)', nothing, [own, other]), {
    servers,
  });
  expect(found.outcome).toBe('inconclusive');
  expect(found.why).toContain('actor 1 used the database template1, which is not put back');
});

test('the isolation that a role begins with counts, whoever explores', async () => {
  const setup = `create role ${name}_two login password 'two';
    alter role ${name}_two set default_transaction_isolation = serializable;
    create table duty (id int primary key, n int); insert into duty values (1, 0), (2, 0);
    grant all on duty to ${name}_two`;
  const skews =
    (id: number): ActorFunction =>
    async urls => {
      const url = new URL(urls.pgUrl);
      [url.username, url.password] = [`${name}_two`, 'two'];
      const work = onePgClient(async query => {
        await query('begin');
        await query(`select n from duty where id <> ${id}`);
        try {
          await query(`update duty set n = 1 where id = ${id}`);
          await query('commit');
          return 'done';
        } catch {
          await query('rollback');
          return 'refused';
        }
      });
      return work({ ...urls, pgUrl: url.href });
    };
  const options = { servers, phases: false, preemptions: 'unbounded', isolated: true } as const;
  const program = subject(setup, nothing, [skews(1), skews(2)]);
  const [all, few] = [
    await explore(program, { ...options, reduce: false }),
    await explore(program, options),
  ];
  expect([...all.ends.keys()].sort()).toEqual([
    'A returned "done" · B returned "done"',
    'A returned "done" · B returned "refused"',
    'A returned "refused" · B returned "done"',
  ]);
  expect([...few.ends.keys()].sort()).toEqual([...all.ends.keys()].sort());
});
