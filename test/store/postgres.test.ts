import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Strategy, sql, type Tx } from '../../src/contract/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import rowLock from '../../strategies/row-lock.ts';
import uniqueSlots from '../../strategies/unique-slots.ts';
import { freshDatabase } from '../database.ts';
import { type EngineUrls, type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { Gate } from '../fixtures/gate.ts';
import { endsWithin, realTime } from '../fixtures/real-time.ts';
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

async function throughProxy(waitMs: number): Promise<{ proxy: TcpProxy; open: OpenEngine }> {
  const proxy = await TcpProxy.open(url);
  opened.push(() => proxy.close().catch(() => {})); // some tests close it themselves
  const open = openEngine({ ...urls, databaseUrl: proxy.url }, { waitMs });
  opened.push(() => open.close());
  return { proxy, open };
}

function engine(waitMs: number): OpenEngine {
  const open = openEngine(urls, { waitMs });
  opened.push(() => open.close());
  return open;
}

const freshId = (): Promise<string> => makeCounter(direct.query);

async function serve(
  open: OpenEngine,
  id: string,
  work: (tx: Tx) => Promise<void> = async () => {},
  declared: Strategy = rowLock,
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

describe('the Postgres store', () => {
  test('BEGIN and the deciding read leave in one write', async () => {
    const { proxy, open } = await throughProxy(5_000);
    const id = await freshId();
    await serve(open, id); // connects and prepares
    const writes: string[] = [];
    proxy.onRequest = chunk => writes.push(chunk.toString('latin1'));
    expect(await serve(open, id)).toMatchObject({ kind: 'accepted' });
    const begin = writes.findIndex(write => write.includes('begin isolation level'));
    const together = writes.slice(begin, begin + 1).join('');
    expect(together).toContain('lockstep_'); // the bound name of the prepared deciding read
    expect(writes.filter(write => write.includes('commit\0'))).toHaveLength(1);
  });

  test('lost-commit-reply: the outcome is unknown, is not retried, and the audit finds the effect', async () => {
    const { proxy, open } = await throughProxy(5_000);
    const id = await freshId();
    await serve(open, id, async () => {
      proxy.onRequest = chunk => {
        if (chunk.includes('commit\0')) proxy.dropReplies = true;
      };
    }).then(outcome =>
      expect(outcome).toEqual({ kind: 'unknown', detail: 'outcome-unknown', attempts: 1 }),
    );
    expect(await effectsOf(direct.query, id)).toBe(1);
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

  test('a single statement that commits by itself is unknown when its reply is lost', async () => {
    const { proxy, open } = await throughProxy(5_000);
    const id = await freshId();
    const cut = async (): Promise<void> => {
      proxy.onRequest = chunk => {
        if (chunk.includes('insert into law_effects')) proxy.cut();
      };
    };
    const outcome = await serve(open, id, cut, uniqueSlots);
    expect(outcome).toMatchObject({ kind: 'unknown', attempts: 1 });
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

  test('a statement that was sent with a BEGIN that is refused may have happened', async () => {
    const id = await freshId();
    const transaction = await direct.begin({
      // @ts-expect-error: a BEGIN that Postgres refuses, as a standby refuses SERIALIZABLE
      isolation: 'no such level',
      guard: [],
      first: [],
      keys: [],
      autocommit: false,
      lost: new AbortController().signal,
      deadlineMs: performance.now() + 5_000,
    });
    const insert = sql`insert into law_effects values ($1, gen_random_uuid())`;
    const unknown = { code: 'outcome-unknown' };
    await expect(transaction.tx.query(insert, [id])).rejects.toMatchObject(unknown);
    expect(await effectsOf(direct.query, id)).toBe(1); // committed by itself
    // a rule that goes on regardless must not write outside a transaction
    await expect(transaction.tx.query(insert, [id])).rejects.toMatchObject(unknown);
    await expect(transaction.commit()).rejects.toMatchObject(unknown);
    await transaction.rollback();
    expect(await effectsOf(direct.query, id)).toBe(1);
  });

  test('COMMIT of a transaction that a statement has aborted is not taken for a success', async () => {
    const transaction = await direct.begin({
      isolation: 'read committed',
      guard: [],
      first: [],
      keys: [],
      autocommit: false,
      lost: new AbortController().signal,
      deadlineMs: performance.now() + 5_000,
    });
    await transaction.tx.query(sql`select 1 / 0`, []).catch(() => {});
    await expect(transaction.commit()).rejects.toMatchObject({ code: 'internal-error' });
  });

  test(
    'callers that find no free connection are told busy at their deadline',
    realTime,
    async () => {
      const open = engine(5_000); // long enough for every holder to arrive on a busy machine
      const gates = Array.from({ length: 10 }, () => new Gate());
      const holders = gates.map(async gate => serve(open, await freshId(), () => gate.pass()));
      await Promise.all(gates.map(gate => gate.arrived));
      const ids = await Promise.all(Array.from({ length: 5 }, freshId));
      const late = await Promise.all(ids.map(id => serve(open, id)));
      for (const gate of gates) gate.open();
      await Promise.all(holders);
      expect(late.map(({ detail }) => detail)).toEqual(late.map(() => 'pool-exhausted'));
      expect(open.store.load.waiting).toBe(0);
    },
  );

  test('Postgres away: each command is told so at once, and the next one after it is back succeeds', async () => {
    const { proxy, open } = await throughProxy(5_000);
    const id = await freshId();
    await serve(open, id);
    await proxy.close();
    const both = endsWithin(2 * 500, async () => {
      expect(await serve(open, id)).toMatchObject({ kind: 'failed' });
      expect(await serve(open, id)).toMatchObject({ detail: 'postgres-unavailable' });
    });
    expect(await both).toBe(true); // the promise: 500 ms each
    const back = await TcpProxy.open(url, Number(new URL(proxy.url).port));
    opened.push(() => back.close());
    expect(await serve(open, id)).toMatchObject({ kind: 'accepted' });
    expect(await effectsOf(direct.query, id)).toBe(2);
  });
});
