import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase } from '../database.ts';
import { Session } from '../fixtures/session.ts';

/**
 * What we assume of Postgres and node-postgres, each by the name of its case: an upgrade that changes
 * one of these changes what our strategies mean.
 */
const { url } = await freshDatabase();
let a: Session;
let b: Session;
let observer: Session;

beforeEach(async () => {
  [a, b, observer] = await Promise.all([Session.open(url), Session.open(url), Session.open(url)]);
  await observer.run(
    'drop table if exists parent, child, coupon',
    'create table parent (id int primary key, n int not null default 0, version int not null default 0)',
    'create table child (parent_id int not null references parent)',
    'create table coupon (id int primary key, owner text)',
    'insert into parent values (1)',
    'insert into coupon values (1), (2)',
  );
});
afterEach(async () => {
  await Promise.all([a.close(), b.close(), observer.close()]);
});

const children = 'select count(*)::int from child where parent_id = 1';
const insertChild = 'insert into child values (1)';
const lockParent = 'select id from parent where id = 1 for no key update';

describe('Postgres', () => {
  test('rr-stale-snapshot: a row lock taken first does not refresh the snapshot of REPEATABLE READ', async () => {
    await a.run('begin isolation level repeatable read', lockParent);
    await b.run('begin isolation level repeatable read');
    const waiting = b.run(lockParent);
    await b.blocked(observer);
    await a.run(insertChild, 'commit');
    await waiting; // gets the lock: the row itself was not changed
    expect(await b.value(children)).toBe(0);
    await b.run(insertChild, 'commit');
    expect(await observer.value(children)).toBe(2);
  });

  test('rr-stale-snapshot: the touched parent gives the waiter 40001', async () => {
    await a.run('begin isolation level repeatable read', lockParent);
    await b.run('begin isolation level repeatable read');
    const refused = expect(b.run(lockParent)).rejects.toMatchObject({ code: '40001' });
    await b.blocked(observer);
    await a.run('update parent set n = n where id = 1', insertChild, 'commit');
    await refused;
    await b.run('rollback');
  });

  test('a statement after the lock sees the latest commit under READ COMMITTED', async () => {
    await a.run('begin isolation level read committed', lockParent);
    await b.run('begin isolation level read committed');
    const waiting = b.run(lockParent);
    await b.blocked(observer);
    await a.run(insertChild, 'commit');
    await waiting;
    expect(await b.value(children)).toBe(1);
    await b.run('rollback');
  });

  test('lock-and-read-one-statement: one statement that locks and counts counts before the lock', async () => {
    await a.run('begin isolation level read committed', lockParent);
    await b.run('begin isolation level read committed');
    const counted = b.value(`select (${children}) from parent where id = 1 for no key update`);
    await b.blocked(observer);
    await a.run(insertChild, 'commit');
    expect(await counted).toBe(0);
    await b.run('rollback');
  });

  test('limit-one-in-subquery: a row chosen in a subquery is given to two owners', async () => {
    const claim = (owner: string) =>
      `update coupon set owner = '${owner}' where id =
        (select id from coupon where owner is null order by id limit 1) returning id`;
    await a.run('begin');
    expect(await a.value(claim('a'))).toBe(1);
    const second = b.value(claim('b'));
    await b.blocked(observer);
    await a.run('commit');
    expect(await second).toBe(1); // the same coupon
    expect(await observer.value('select owner from coupon where id = 1')).toBe('b');
  });

  test('limit-one-in-subquery: locked in the same select, the waiter goes on to the next row', async () => {
    const next = 'select id from coupon where owner is null order by id limit 1 for no key update';
    await a.run('begin');
    expect(await a.value(next)).toBe(1);
    await b.run('begin');
    const second = b.value(next);
    await b.blocked(observer);
    await a.run("update coupon set owner = 'a' where id = 1", 'commit');
    expect(await second).toBe(2);
    await b.run('rollback');
  });

  test('skip-locked-holder-aborts: an empty answer of SKIP LOCKED proves nothing', async () => {
    await a.run('begin', "update coupon set owner = 'a'");
    const skip = 'select id from coupon where owner is null limit 1 for no key update skip locked';
    expect(await b.value(skip)).toBeNull();
    await a.run('rollback');
    expect(await b.value(skip)).toBe(1);
  });

  test('versioned-row-read-late: a version read after the count proves the wrong thing', async () => {
    await a.run('begin isolation level read committed');
    expect(await a.value(children)).toBe(0);
    await b.run(insertChild, 'update parent set version = version + 1 where id = 1');
    const version = await a.value('select version from parent where id = 1');
    expect(version).toBe(1); // already the new one: the compare will succeed
    await a.run(insertChild);
    const compared = await a.client.query(
      `update parent set version = version + 1 where id = 1 and version = ${version}`,
    );
    expect(compared.rowCount).toBe(1);
    await a.run('commit');
    expect(await observer.value(children)).toBe(2);
  });

  test('unlock-before-commit: a session lock given back before COMMIT lets the next one read too early', async () => {
    await a.run('begin', 'select pg_advisory_lock(1)', insertChild, 'select pg_advisory_unlock(1)');
    await b.run('begin', 'select pg_advisory_lock(1)');
    expect(await b.value(children)).toBe(0);
    await b.run('rollback', 'select pg_advisory_unlock_all()');
    await a.run('commit');
  });

  test('session-lock-wrong-connection: unlocking elsewhere says false and frees nothing', async () => {
    await a.run('select pg_advisory_lock(2)');
    expect(await b.value('select pg_advisory_unlock(2)')).toBe(false);
    expect(await b.value('select pg_try_advisory_lock(2)')).toBe(false);
  });

  test('a foreign key to the locked row does not wait for FOR NO KEY UPDATE, and does for FOR UPDATE', async () => {
    await a.run('begin', lockParent);
    await b.run(insertChild); // its KEY SHARE on the parent goes through
    await a.run('rollback', 'begin', 'select id from parent where id = 1 for update');
    const waiting = b.run(insertChild);
    await b.blocked(observer);
    await a.run('commit');
    await waiting;
  });

  test('ON CONFLICT DO NOTHING waits for a rival that may still roll back', async () => {
    await observer.run('create unique index on child (parent_id)');
    await a.run('begin', insertChild);
    const insert = b.client.query('insert into child values (1) on conflict do nothing');
    await b.blocked(observer);
    await a.run('rollback');
    expect((await insert).rowCount).toBe(1);
  });

  test('COMMIT of an aborted transaction is answered with ROLLBACK and without an error', async () => {
    await a.run('begin');
    await a.client.query('select 1 / 0').catch(() => {});
    expect((await a.client.query('commit')).command).toBe('ROLLBACK');
  });

  test('role-default-isolation: a BEGIN that names no level takes the default of the role', async () => {
    await a.run("set default_transaction_isolation = 'repeatable read'", 'begin');
    expect(await a.value('show transaction_isolation')).toBe('repeatable read');
    await a.run('rollback', 'begin isolation level read committed');
    expect(await a.value('show transaction_isolation')).toBe('read committed');
    await a.run('rollback');
  });
});

describe('node-postgres', () => {
  test('pool-self-deadlock: a holder that asks the same full pool for a second connection never gets one', async () => {
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    const held = await pool.connect();
    let second: 'waiting' | 'given' = 'waiting';
    const waiter = pool.connect().then(client => {
      second = 'given';
      client.release();
    });
    await held.query('select pg_sleep(0.3)');
    expect({ second, waiting: pool.waitingCount }).toEqual({ second: 'waiting', waiting: 1 });
    held.release();
    await waiter;
    await pool.end();
  });

  test('backend-killed-holder: without a listener for errors of a checked-out client, the error is thrown into the process', async () => {
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    const held = await pool.connect();
    expect(held.listenerCount('error')).toBe(0); // so `emit` would throw: we attach one at connect
    held.release();
    await pool.end();
  });
});
