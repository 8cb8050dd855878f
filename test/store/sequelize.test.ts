import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Strategy, sql, type Tx } from '../../src/contract/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { SequelizeStore } from '../../src/store/sequelize.ts';
import sequelizeRowLock from '../../strategies/sequelize-row-lock.ts';
import sequelizeVersion from '../../strategies/sequelize-version.ts';
import { freshDatabase } from '../database.ts';
import { type EngineUrls, type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { TcpProxy } from '../fixtures/tcp-proxy.ts';
import { counterScenario, counterSchema, effectsOf, makeCounter } from '../laws/counter.ts';
import { testServers } from '../servers.ts';

const { url } = await freshDatabase();
const urls: EngineUrls = { databaseUrl: url, ...testServers() };
const opened: (() => Promise<void>)[] = [];
const direct = new PostgresStore({
  url,
  connectionsMax: 4,
  lockTimeoutMs: 5_000,
  connectTimeoutMs: 10_000,
});

beforeAll(() => migrate(url, [{ name: 'counter', schemaSql: counterSchema }]));
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});
afterAll(() => direct.close());

function engine(waitMs: number, databaseUrl = url): OpenEngine {
  const open = openEngine({ ...urls, databaseUrl }, { waitMs });
  opened.push(() => open.close());
  return open;
}

async function throughProxy(waitMs: number): Promise<{ proxy: TcpProxy; open: OpenEngine }> {
  const proxy = await TcpProxy.open(url);
  opened.push(() => proxy.close().catch(() => {})); // some tests close it themselves
  return { proxy, open: engine(waitMs, proxy.url) };
}

const freshId = (): Promise<string> => makeCounter(direct.query);

async function serve(
  open: OpenEngine,
  id: string,
  work: (tx: Tx) => Promise<void> = async () => {},
  declared: Strategy = sequelizeRowLock,
) {
  const served = await open.engine.serve({
    scenario: { name: 'counter', registered: counterScenario(new Map([['work', work]])) },
    variant: 'plain',
    strategy: { name: 'tried', declared },
    commandId: randomUUID(),
    input: { params: { id, work: 'work' }, body: {} },
  });
  return served.outcome;
}

describe('the Sequelize store', () => {
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
    opened.push(() => store.close());
    const read = store.transact(query => query(sql`select $1::text as id`, ["1' or '1'='1"]));
    expect(await read).toEqual([{ id: "1' or '1'='1" }]);
    const outcome = await serve(engine(5_000), "0' or '1'='1");
    expect(outcome).toMatchObject({ kind: 'failed', detail: 'internal-error' });
  });

  test('lost-commit-reply: the outcome is unknown, is not retried, and the audit finds the effect', async () => {
    const { proxy, open } = await throughProxy(5_000);
    const id = await freshId();
    await serve(open, id, async () => {
      proxy.onRequest = chunk => {
        if (chunk.includes('COMMIT;\0')) proxy.dropReplies = true;
      };
    }).then(outcome =>
      expect(outcome).toEqual({ kind: 'unknown', detail: 'outcome-unknown', attempts: 1 }),
    );
    expect(await effectsOf(direct.query, id)).toBe(1);
    proxy.onRequest = () => {};
    proxy.dropReplies = false;
    // the connection is out of the pool, and its place is free
    expect(open.sequelize.opened?.load).toEqual({ busy: 0, waiting: 0 });
    expect(await serve(open, id)).toMatchObject({ kind: 'accepted', attempts: 1 });
  });

  test('a connection that breaks before COMMIT is retried, and the effect happens once', async () => {
    const { proxy, open } = await throughProxy(5_000);
    const id = await freshId();
    let tries = 0;
    const outcome = await serve(open, id, async () => {
      tries += 1;
      if (tries === 1) proxy.cut();
    });
    expect(outcome).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(open.recording.failures).toEqual(['connection-lost']);
    expect(await effectsOf(direct.query, id)).toBe(1);
  });

  test('backend-killed-holder: the process lives, the work is rolled back and done again', async () => {
    const open = engine(5_000);
    const id = await freshId();
    let tries = 0;
    const outcome = await serve(open, id, async tx => {
      tries += 1;
      if (tries > 1) return;
      const [own] = await tx.query(sql<{ pid: number }>`select pg_backend_pid() as pid`, []);
      const kill = sql<{ gone: boolean }>`select pg_terminate_backend($1::integer, 5000) as gone`;
      expect(await direct.query(kill, [own?.pid ?? 0])).toEqual([{ gone: true }]);
    });
    expect(outcome).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(await effectsOf(direct.query, id)).toBe(1);
  });

  test('work that outlasts the deadline is cut and rolled back, and its row is free', async () => {
    const open = engine(300);
    const id = await freshId();
    const outcome = await serve(open, id, async tx => {
      await tx.query(sql`select pg_sleep(20)`, []);
    });
    expect(outcome).toEqual({ kind: 'busy', detail: 'deadline-exceeded', attempts: 1 });
    expect(await effectsOf(direct.query, id)).toBe(0);
    expect(await serve(engine(10_000), id)).toMatchObject({ kind: 'accepted' });
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
    opened.push(() => store.close());
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
    opened.push(() => store.close());
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

  test('Postgres away: each command is told so, and the next one after it is back succeeds', async () => {
    const { proxy, open } = await throughProxy(5_000);
    const id = await freshId();
    await serve(open, id);
    await proxy.close();
    expect(await serve(open, id)).toMatchObject({ kind: 'failed' });
    expect(await serve(open, id)).toMatchObject({ detail: 'postgres-unavailable' });
    const back = await TcpProxy.open(url, Number(new URL(proxy.url).port));
    opened.push(() => back.close());
    const outcome = await serve(open, id);
    expect({ outcome, errors: open.recording.errors }).toMatchObject({
      outcome: { kind: 'accepted' },
      errors: [],
    });
    expect(await effectsOf(direct.query, id)).toBe(2);
  });
});
