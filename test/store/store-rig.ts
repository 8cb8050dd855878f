import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Outcome, type Strategy, sql, type Tx } from '../../src/contract/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { freshDatabase } from '../database.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { endsWithin } from '../fixtures/real-time.ts';
import { TcpProxy } from '../fixtures/tcp-proxy.ts';
import { counterScenario, counterSchema, effectsOf, makeCounter } from '../laws/counter.ts';
import { testServers } from '../servers.ts';

type Work = (tx: Tx) => Promise<void>;

/** What the tests of one store are written with; what it opens is closed after each test. */
export interface StoreRig {
  readonly url: string;
  /** A way to the counters that no test disturbs. */
  readonly direct: PostgresStore;
  /** An engine, closed after the test; `databaseUrl` may be a way that the test can disturb. */
  engine(waitMs: number, databaseUrl?: string): OpenEngine;
  throughProxy(waitMs: number): Promise<{ proxy: TcpProxy; open: OpenEngine }>;
  freshId(): Promise<string>;
  serve(open: OpenEngine, id: string, work?: Work, declared?: Strategy): Promise<Outcome>;
  closedAfter(close: () => Promise<unknown>): void;
}

/** A database of counters, and engines on it that serve with `usual` where nothing else is said. */
export async function storeRig(usual: Strategy): Promise<StoreRig> {
  const { url } = await freshDatabase();
  const closes: (() => Promise<unknown>)[] = [];
  const direct = new PostgresStore({
    url,
    connectionsMax: 4,
    lockTimeoutMs: 30_000,
    connectTimeoutMs: 30_000,
  });
  beforeAll(() => migrate(url, [{ name: 'counter', schemaSql: counterSchema }]));
  afterEach(async () => {
    for (const close of closes.splice(0).reverse()) await close();
  });
  afterAll(() => direct.close());

  const engine: StoreRig['engine'] = (waitMs, databaseUrl = url) => {
    const open = openEngine({ ...testServers(), databaseUrl }, { waitMs });
    closes.push(() => open.close());
    return open;
  };
  return {
    url,
    direct,
    engine,
    async throughProxy(waitMs) {
      const proxy = await TcpProxy.open(url);
      closes.push(() => proxy.close().catch(() => {})); // some tests close it themselves
      return { proxy, open: engine(waitMs, proxy.url) };
    },
    freshId: () => makeCounter(direct.query),
    async serve(open, id, work = async () => {}, declared = usual) {
      const served = await open.engine.serve({
        scenario: { name: 'counter', registered: counterScenario(new Map([['work', work]])) },
        variant: 'plain',
        strategy: { name: 'tried', declared },
        commandId: randomUUID(),
        input: { params: { id, work: 'work' }, body: {} },
      });
      return served.outcome;
    },
    closedAfter: close => closes.push(close),
  };
}

/** What every store does when a connection, a backend or the server goes away under it. */
export function storeCases(rig: StoreRig, commitMessage: string): void {
  const { url, direct, engine, throughProxy, freshId, serve } = rig;
  const waitMs = 30_000;

  test('lost-commit-reply: the outcome is unknown, is not retried, and the audit finds the effect', async () => {
    // the deadline is what ends the wait for a reply that does not come
    const { proxy, open } = await throughProxy(5_000);
    const id = await freshId();
    await serve(open, id); // connects
    const outcome = await serve(open, id, async () => {
      proxy.onRequest = chunk => {
        if (chunk.includes(commitMessage)) proxy.dropReplies = true;
      };
    });
    expect(outcome).toEqual({ kind: 'unknown', detail: 'outcome-unknown', attempts: 1 });
    expect(await effectsOf(direct.query, id)).toBe(2);
    proxy.onRequest = () => {};
    proxy.dropReplies = false;
    // the connection is out of the pool, and its place is free
    expect(open.sequelize.opened?.load ?? { busy: 0, waiting: 0 }).toEqual({ busy: 0, waiting: 0 });
    expect(await serve(open, id)).toMatchObject({ kind: 'accepted', attempts: 1 });
  });

  test('a connection that breaks before COMMIT is retried, and the effect happens once', async () => {
    const { proxy, open } = await throughProxy(waitMs);
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
    const open = engine(waitMs);
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
    const open = engine(2_000);
    const id = await freshId();
    const outcome = await serve(open, id, async tx => {
      await tx.query(sql`select pg_sleep(20)`, []);
    });
    expect(outcome).toEqual({ kind: 'busy', detail: 'deadline-exceeded', attempts: 1 });
    expect(await effectsOf(direct.query, id)).toBe(0);
    expect(await serve(engine(waitMs), id)).toMatchObject({ kind: 'accepted' });
  });

  test('Postgres away: each command is told so at once, and the next one after it is back succeeds', async () => {
    const { proxy, open } = await throughProxy(waitMs);
    const id = await freshId();
    await serve(open, id);
    await proxy.close();
    const both = endsWithin(2 * 500, async () => {
      expect(await serve(open, id)).toMatchObject({ kind: 'failed' });
      expect(await serve(open, id)).toMatchObject({ detail: 'postgres-unavailable' });
    });
    expect(await both).toBe(true); // the promise: 500 ms each
    const back = await TcpProxy.open(url, Number(new URL(proxy.url).port));
    rig.closedAfter(() => back.close());
    const outcome = await serve(open, id);
    expect({ outcome, errors: open.recording.errors }).toMatchObject({
      outcome: { kind: 'accepted' },
      errors: [],
    });
    expect(await effectsOf(direct.query, id)).toBe(2);
  });
}
