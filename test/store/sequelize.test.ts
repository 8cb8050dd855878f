import { describe, expect, test } from 'vitest';
import { sql } from '../../src/contract/index.ts';
import { SequelizeStore } from '../../src/store/sequelize.ts';
import sequelizeRowLock from '../../strategies/sequelize-row-lock.ts';
import sequelizeVersion from '../../strategies/sequelize-version.ts';
import { effectsOf } from '../laws/counter.ts';
import { storeCases, storeRig } from './store-rig.ts';

const rig = await storeRig(sequelizeRowLock);
const { url, direct, engine, throughProxy, freshId, serve } = rig;

describe('the Sequelize store', () => {
  storeCases(rig, 'COMMIT;\0');

  test('reads and locks through its own models, inside a transaction that states its level', async () => {
    const { proxy, open } = await throughProxy(5_000);
    const id = await freshId();
    await serve(open, id); // connects
    const writes: string[] = [];
    proxy.onRequest = chunk => writes.push(chunk.toString('latin1'));
    expect(await serve(open, id)).toMatchObject({ kind: 'accepted' });
    const sent = writes.join('\n');
    expect(sent).toContain('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
    expect(sent).toMatch(/SELECT "id", "version", "fence" FROM "law_counters".* FOR UPDATE/);
  });

  test('an OptimisticLockError is a conflict, and the next attempt reads anew', async () => {
    const open = engine(5_000);
    const id = await freshId();
    let tries = 0;
    const outcome = await serve(
      open,
      id,
      async () => {
        tries += 1;
        const bump = sql`update law_counters set version = version + 1 where id = $1`;
        if (tries === 1) await direct.query(bump, [id]);
      },
      sequelizeVersion,
    );
    expect(outcome).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(open.recording.failures).toEqual(['conflict']);
    expect(await effectsOf(direct.query, id)).toBe(1);
  });

  test('an id is a value and never becomes SQL', async () => {
    const store = new SequelizeStore({
      url,
      connectionsMax: 1,
      lockTimeoutMs: 5_000,
      connectTimeoutMs: 10_000,
    });
    rig.closedAfter(() => store.close());
    const read = store.transact(query => query(sql`select $1::text as id`, ["1' or '1'='1"]));
    expect(await read).toEqual([{ id: "1' or '1'='1" }]);
    const outcome = await serve(engine(5_000), "0' or '1'='1");
    expect(outcome).toMatchObject({ kind: 'failed', detail: 'value-rejected', attempts: 1 });
  });

  test('a server that freezes at BEGIN is cut at the deadline', async () => {
    const { proxy, open } = await throughProxy(400);
    const id = await freshId();
    await serve(open, id);
    proxy.dropReplies = true;
    expect(await open.sequelize.query(sql`select 1`, []).catch(error => error)).toMatchObject({
      code: 'deadline-exceeded',
    });
    expect((await serve(open, id)).kind).not.toBe('accepted');
    expect(open.sequelize.opened?.load).toEqual({ busy: 0, waiting: 0 });
    proxy.dropReplies = false;
  });

  test('COMMIT of a transaction that a statement has aborted is not taken for a success', async () => {
    const store = new SequelizeStore({
      url,
      connectionsMax: 1,
      lockTimeoutMs: 5_000,
      connectTimeoutMs: 10_000,
    });
    rig.closedAfter(() => store.close());
    const careless = store.transact(async query => {
      await query(sql`select 1 / 0`, []).catch(() => {});
    });
    await expect(careless).rejects.toMatchObject({ code: 'internal-error' });
    expect(await store.query(sql`select 1 as one`, [])).toEqual([{ one: 1 }]);
  });

  test('what Postgres says behind a plain DatabaseError is read', async () => {
    const store = new SequelizeStore({
      url,
      connectionsMax: 1,
      lockTimeoutMs: 5_000,
      connectTimeoutMs: 10_000,
    });
    rig.closedAfter(() => store.close());
    const raise = (state: string) =>
      store
        .query({ text: `do $do$ begin raise 'tried' using errcode = '${state}'; end $do$` }, [])
        .catch(error => error.code);
    expect(await raise('40001')).toBe('serialization-failure');
    expect(await raise('40P01')).toBe('deadlock');
    expect(await raise('55P03')).toBe('lock-not-available');
    expect(await raise('23505')).toBe('constraint-violated');
    expect(await raise('23503')).toBe('constraint-violated');
  });
});
