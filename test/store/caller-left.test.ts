import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Guard, type Row, sql, type Table } from '../../src/contract/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { SequelizeStore } from '../../src/store/sequelize.ts';
import type { Store, TransactionPlan } from '../../src/store/store.ts';
import { freshDatabase } from '../database.ts';
import { CancelProxy } from '../fixtures/cancel-proxy.ts';
import { until } from '../fixtures/gate.ts';
import { Session, waitersSql } from '../fixtures/session.ts';
import { counterSchema, makeCounter } from '../laws/counter.ts';

/** A statement that waits at Postgres is cancelled when its caller leaves, and never another one. */
const { url } = await freshDatabase();
const counters: Table<Row> = {
  name: 'law_counters',
  columns: { id: 'bigint', version: 'integer', fence: 'bigint' },
};
const ownPid = sql<{ pid: number }>`select pg_backend_pid() as pid`;
const sleepABit = sql`select pg_sleep(0.3)`;
const sleepAMoment = sql`select pg_sleep(0.001)`;

let holder: Session;
let watch: Session;
let id: string;

const waiters = () => watch.value(waitersSql);
const hold = () => holder.run('begin', `select from law_counters where id = ${id} for update`);
const somebodyWaits = () => until('somebody waits', async () => (await waiters()) === 1);
const nobodyWaits = () => until('nobody waits', async () => (await waiters()) === 0);

const planOf = (left: AbortSignal, guard: readonly Guard[] = ['lock row']): TransactionPlan => ({
  isolation: 'read committed',
  guard,
  first: [],
  keys: [],
  autocommit: false,
  isLost: () => false,
  deadlineMs: performance.now() + 60_000,
  left,
});

/** One connection, so that the next command is sure to get it. */
const options = { connectionsMax: 1, lockTimeoutMs: 60_000, connectTimeoutMs: 30_000 };
const stores = {
  pg: (through: string, pooler = false) => new PostgresStore({ ...options, url: through, pooler }),
  sequelize: (through: string, pooler = false) =>
    new SequelizeStore({ ...options, url: through, pooler }),
};

beforeAll(async () => {
  await migrate(url, [{ name: 'counter', schemaSql: counterSchema }]);
  holder = await Session.open(url);
  watch = await Session.open(url);
  const direct = stores.pg(url);
  id = await makeCounter(direct.query);
  await direct.close();
});
afterAll(() => Promise.all([holder.close(), watch.close()]));

interface Waiting {
  readonly store: Store;
  readonly proxy: CancelProxy;
  readonly left: AbortController;
  readonly transaction: Awaited<ReturnType<Store['begin']>>;
  /** Waits for the row. */
  readonly read: Promise<Row | undefined>;
  readonly pid: number;
}

/** A transaction that waits for a row which the holder has, through a proxy that holds cancels. */
async function whileOneWaits(
  open: (through: string) => Store,
  work: (waiting: Waiting) => Promise<void>,
): Promise<void> {
  const proxy = await CancelProxy.open(url);
  const store = open(proxy.url);
  const left = new AbortController();
  try {
    const [own] = await store.query(ownPid, []);
    await hold();
    const transaction = await store.begin(planOf(left.signal));
    const read = transaction.tx.read(counters, id);
    read.catch(() => {});
    await somebodyWaits();
    await work({ store, proxy, left, transaction, read, pid: own?.pid ?? 0 });
  } finally {
    await holder.run('rollback');
    await proxy.close();
    await store.close();
  }
}

for (const [name, open] of Object.entries(stores))
  describe(`a caller of ${name} that leaves`, () => {
    test('takes its backend along, and its connection serves the next command', async () => {
      await whileOneWaits(open, async ({ store, proxy, left, transaction, read, pid }) => {
        proxy.hold.open();
        left.abort();
        await expect(read).rejects.toMatchObject({ code: 'caller-left' });
        await transaction.rollback();
        expect(await waiters()).toBe(0); // while the holder still holds
        expect(await store.query(ownPid, [])).toEqual([{ pid }]);
        expect(proxy.cancels).toBeGreaterThan(0);
      });
    });

    test('and whose row is granted meanwhile: the cancel on its way hits no later statement', async () => {
      await whileOneWaits(open, async ({ proxy, left, transaction, read }) => {
        left.abort();
        await proxy.hold.arrived;
        await holder.run('rollback');
        expect(await read).toMatchObject({ id });
        const next = transaction.tx.query(sleepABit, []);
        await delay(50); // time for it to be sent, if it is not held back
        proxy.hold.open();
        await next;
        await transaction.commit();
      });
    });

    test('and is rolled back meanwhile: the cancel hits no command after it', async () => {
      await whileOneWaits(open, async ({ store, proxy, left, transaction, read, pid }) => {
        left.abort();
        await proxy.hold.arrived;
        await holder.run('rollback');
        await read;
        const next = transaction.rollback().then(async () => {
          const [own] = await store.query(ownPid, []);
          await store.query(sleepABit, []);
          return own?.pid;
        });
        await delay(50);
        proxy.hold.open();
        expect(await next).toBe(pid);
      });
    });

    test('and whose cancel gets no answer: the connection is not used again', async () => {
      await whileOneWaits(open, async ({ store, left, transaction, read, pid }) => {
        left.abort();
        await expect(read).rejects.toMatchObject({ code: 'caller-left' });
        await transaction.rollback();
        const [own] = await store.query(ownPid, []);
        expect(own?.pid).not.toBe(pid);
        await nobodyWaits();
      });
    });

    test('behind a pooler is cut off, since a cancel could hit another client', async () => {
      await whileOneWaits(
        through => open(through, true),
        async ({ store, proxy, left, transaction, read, pid }) => {
          left.abort();
          await expect(read).rejects.toMatchObject({ code: 'caller-left' });
          await transaction.rollback();
          const [own] = await store.query(ownPid, []);
          expect(own?.pid).not.toBe(pid);
          expect(proxy.cancels).toBe(0);
        },
      );
    });

    test('as its row is granted, many times: the next command is never cancelled', async () => {
      const store = open(url);
      const told = new Set<string>();
      try {
        for (let round = 0; round < 150; round += 1) {
          const left = new AbortController();
          await hold();
          const transaction = await store.begin(planOf(left.signal));
          const read = transaction.tx.read(counters, id).then(
            () => 'granted',
            ({ code }) => String(code),
          );
          await somebodyWaits();
          if (round % 2 === 0) left.abort();
          const free = holder.run('rollback');
          if (round % 2 === 1) left.abort();
          told.add(await read);
          await transaction.rollback();
          await store.query(sleepAMoment, []);
          await store.query(sleepAMoment, []);
          await free;
        }
      } finally {
        await store.close();
      }
      expect([...told].sort()).toEqual(['caller-left', 'granted']);
    });

    test('while it waits for a connection gives its place up', async () => {
      const store = open(url);
      const left = new AbortController();
      try {
        const other = await store.begin(planOf(new AbortController().signal));
        const begun = store.begin(planOf(left.signal));
        const asked = store.within(planOf(left.signal))(ownPid, []);
        left.abort();
        await expect(begun).rejects.toMatchObject({ code: 'caller-left' });
        await expect(asked).rejects.toMatchObject({ code: 'caller-left' });
        await other.rollback();
        expect(await store.query(ownPid, [])).toHaveLength(1);
      } finally {
        await store.close();
      }
    });

    test('after its deciding read changes nothing: the command runs to its end', async () => {
      const store = open(url);
      const left = new AbortController();
      try {
        const transaction = await store.begin(planOf(left.signal));
        const row = await transaction.tx.read(counters, id);
        left.abort();
        if (!row) throw new Error('there is no such counter');
        await transaction.tx.write(counters, row, {});
        await transaction.commit();
      } finally {
        await store.close();
      }
    });
  });
