import { DataTypes, type Model, type ModelStatic, QueryTypes, Sequelize } from 'sequelize';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { Session, waitersSql } from '../fixtures/session.ts';

/** What we assume of Sequelize 6, on a real Postgres: an upgrade that changes it is noticed here. */
const { url } = await freshDatabase();
const statements: string[] = [];
let orm: Sequelize;
let cards: ModelStatic<Model>;
let admin: Session;

beforeAll(async () => {
  admin = await Session.open(url);
  await admin.run(
    `create table cards (
      id bigint generated always as identity primary key,
      balance integer not null,
      version integer not null default 0
    )`,
  );
  orm = new Sequelize(url, {
    pool: { max: 4 },
    logging: statement => statements.push(statement),
  });
  cards = orm.define(
    'card',
    { id: { type: DataTypes.BIGINT, primaryKey: true }, balance: DataTypes.INTEGER },
    { tableName: 'cards', timestamps: false, version: true },
  );
});
afterAll(async () => {
  await orm.close();
  await admin.close();
});

const freshCard = async (): Promise<string> =>
  String(await admin.value('insert into cards (balance) values (50) returning id'));
const stateOf = (id: string): Promise<unknown> =>
  admin.value(`select balance || ' v' || version from cards where id = ${id}`);
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    error => ({ name: error.name, sqlstate: error.parent?.code }),
  );

async function cardOf(id: string): Promise<Model> {
  const card = await cards.findByPk(id);
  if (!card) throw new Error('there is no such card');
  return card;
}

describe('version: true', () => {
  test('save compares and bumps, and who comes second gets OptimisticLockError', async () => {
    const id = await freshCard();
    const [one, other] = [await cardOf(id), await cardOf(id)];
    await one.set({ balance: 25 }).save();
    expect(await errorOf(other.set({ balance: 30 }).save())).toMatchObject({
      name: 'SequelizeOptimisticLockError',
    });
    expect(await stateOf(id)).toBe('25 v1');
  });

  test('version-bypass: a static update between read and save goes past the version: a lost update', async () => {
    const id = await freshCard();
    const card = await cardOf(id);
    await cards.update({ balance: 25 }, { where: { id } });
    await card.set({ balance: 40 }).save();
    expect(await stateOf(id)).toBe('40 v1'); // the static update neither compared nor bumped
  });

  test('version-rollback-reuse: an instance that was saved and rolled back can never be saved again', async () => {
    const id = await freshCard();
    const card = await cardOf(id);
    const rolledBack = await orm.transaction();
    await card.set({ balance: 25 }).save({ transaction: rolledBack });
    await rolledBack.rollback();
    expect(await stateOf(id)).toBe('50 v0');
    expect(card.get('version')).toBe(1); // it believes in what was rolled back
    expect(await errorOf(card.set({ balance: 20 }).save())).toMatchObject({
      name: 'SequelizeOptimisticLockError',
    });
    await card.reload();
    await card.set({ balance: 20 }).save();
    expect(await stateOf(id)).toBe('20 v1');
  });

  test('save of values that are as they were sends nothing, and so compares nothing', async () => {
    const id = await freshCard();
    const card = await cardOf(id);
    await cards.increment({ version: 1 }, { where: { id } });
    statements.length = 0;
    await card.set({ balance: 50 }).save();
    expect(statements).toEqual([]);
  });

  test('set passes over the version', async () => {
    const card = await cardOf(await freshCard());
    card.set({ version: 7 });
    expect(card.get('version')).toBe(0);
  });
});

describe('lock', () => {
  test('without a transaction holds nothing', async () => {
    const id = await freshCard();
    statements.length = 0;
    await cards.findByPk(id, { lock: true });
    expect(statements.join()).toContain('FOR UPDATE'); // sent, and over with the statement
    await admin.run(`set lock_timeout = 1000`, `update cards set balance = 1 where id = ${id}`); // nobody in the way
    expect(await stateOf(id)).toBe('1 v0');
  });

  test('inside one makes the second wait', async () => {
    const id = await freshCard();
    const holder = await orm.transaction();
    await cards.findByPk(id, { lock: holder.LOCK.UPDATE, transaction: holder });
    const waiter = await orm.transaction();
    const waits = cards.findByPk(id, { lock: waiter.LOCK.UPDATE, transaction: waiter });
    await until('the second waits', async () => (await admin.value(waitersSql)) === 1);
    await holder.commit();
    expect((await waits)?.get('id')).toBe(id);
    await waiter.rollback();
  });

  test('has no NOWAIT in its generator, and has SKIP LOCKED', async () => {
    const id = await freshCard();
    const transaction = await orm.transaction();
    statements.length = 0;
    const options = { where: { id }, lock: transaction.LOCK.UPDATE, transaction };
    await cards.findOne({ ...options, skipLocked: true });
    const unknown = { ...options, nowait: true, noWait: true };
    await cards.findOne(unknown);
    await transaction.rollback();
    expect(statements.join()).toContain('FOR UPDATE SKIP LOCKED');
    expect(statements.join().toUpperCase()).not.toContain('NOWAIT');
  });
});

describe('errors', () => {
  test('40001, 40P01 and 55P03 arrive as plain DatabaseError with parent.code', async () => {
    const raise = (state: string) =>
      errorOf(orm.query(`do $do$ begin raise 'tried' using errcode = '${state}'; end $do$`));
    for (const sqlstate of ['40001', '40P01', '55P03'])
      expect(await raise(sqlstate)).toEqual({ name: 'SequelizeDatabaseError', sqlstate });
    expect(await raise('23505')).toMatchObject({ sqlstate: '23505' });
  });

  test('COMMIT of an aborted transaction is taken for a success', async () => {
    const id = await freshCard();
    const transaction = await orm.transaction();
    await cards.update({ balance: 1 }, { where: { id }, transaction });
    await orm.query('select 1 / 0', { transaction }).catch(() => {});
    await transaction.commit(); // Postgres answered ROLLBACK
    expect(await stateOf(id)).toBe('50 v0');
  });

  test('a failed COMMIT destroys the pooled connection', async () => {
    await admin.run(
      'create table if not exists late (id integer primary key deferrable initially deferred)',
      'insert into late values (1) on conflict do nothing'.replace(' on conflict do nothing', ''),
    );
    const transaction = await orm.transaction();
    const pidOf = 'select pg_backend_pid() as pid';
    const [before] = await orm.query<{ pid: number }>(pidOf, {
      transaction,
      type: QueryTypes.SELECT,
    });
    await orm.query('insert into late values (1)', { transaction });
    expect(await errorOf(transaction.commit())).toMatchObject({ sqlstate: '23505' });
    const alive = `select count(*)::integer from pg_stat_activity where pid = ${before?.pid}`;
    await until('its backend is gone', async () => (await admin.value(alive)) === 0);
  });
});

describe('statements', () => {
  test('with bind, every dollar in the text counts as a parameter, quotes like $do$ included', async () => {
    await expect(orm.query('select $q$ as text$q$, $1::text', { bind: ['x'] })).rejects.toThrow(
      'Named bind parameter "$q" has no value',
    );
  });

  test('the isolation level is a statement of its own after START TRANSACTION, and only if asked for', async () => {
    statements.length = 0;
    const transaction = await orm.transaction();
    await transaction.rollback();
    expect(statements.map(text => text.replace(/^[^:]+: /, ''))).toEqual([
      'START TRANSACTION;',
      'ROLLBACK;',
    ]);
  });
});
