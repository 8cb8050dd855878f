import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Outcome,
  type PredictionReason,
  predict,
  sql,
  type Tx,
} from '../../src/contract/index.ts';
import { decidesInOneStatement } from '../../src/engine/attempt.ts';
import type { RegisteredStrategy } from '../../src/engine/registry.ts';
import { type EngineUrls, type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { counterScenario, effectsOf, makeCounter } from './counter.ts';

const readIsolation = sql<{ isolation: string }>`
  select current_setting('transaction_isolation') as isolation`;
const advisoryLocks = sql<{ held: number }>`
  select count(*)::integer as held from pg_locks l join pg_database d on d.oid = l.database
  where l.locktype = 'advisory' and d.datname = current_database()`;

/** The reasons for which a rival has to wait until the key is free. */
const locked: ReadonlySet<PredictionReason> = new Set([
  'locked before check',
  'locked before snapshot',
  'session held',
  'lease held',
]);

/** What holds for every strategy whatever it does, on real servers. */
export function strategyLaws(strategy: RegisteredStrategy, urlsOf: () => EngineUrls): void {
  const { name, declared } = strategy;
  const works = new Map<string, (tx: Tx) => Promise<void>>();
  const registered = counterScenario(works);
  const variant = registered.variants.plain;
  if (!variant) throw new Error('the counter has a plain variant');
  const waits = predict(declared, variant, new Set());
  const skips = declared.guard.includes('lock row, skip locked'); // goes on to another row instead
  const excludes = waits.verdict === 'safe' && locked.has(waits.reason) && !skips;
  let open: OpenEngine;

  const serve = (on: OpenEngine, id: string, work?: (tx: Tx) => Promise<void>) => {
    const workId = randomUUID();
    if (work) works.set(workId, work);
    const command = {
      scenario: { name: 'counter', registered },
      variant: 'plain',
      strategy: { name, declared },
      commandId: randomUUID(),
      input: { params: { id, work: workId }, body: {} },
    };
    return on.engine.serve(command).then(served => served.outcome);
  };

  const freshId = (): Promise<string> => makeCounter(open.store.query);

  describe(name, () => {
    beforeAll(() => {
      open = openEngine(urlsOf());
    });
    afterAll(() => open.close());

    test('runs its work once and returns its value', async () => {
      const id = await freshId();
      let runs = 0;
      const outcome = await serve(open, id, async () => {
        runs += 1;
      });
      expect(outcome).toEqual({ kind: 'accepted', detail: id, attempts: 1 } satisfies Outcome);
      expect(runs).toBe(1);
      expect(await effectsOf(open.store.query, id)).toBe(1);
    });

    test('a throw after the effect leaves nothing behind and frees the key', async () => {
      const id = await freshId();
      const outcome = await serve(open, id, async tx => {
        if (!decidesInOneStatement(declared))
          await tx.query(sql`insert into law_effects values ($1, gen_random_uuid())`, [id]);
        throw new Error('the business failed');
      });
      expect(outcome).toMatchObject({ kind: 'failed', detail: 'internal-error' });
      expect(await effectsOf(open.store.query, id)).toBe(0);
      expect(await serve(open, id)).toMatchObject({ kind: 'accepted' });
    });

    test('states its isolation whatever the default of the database is', async () => {
      const id = await freshId();
      let isolation = '';
      await serve(open, id, async tx => {
        isolation = (await tx.query(readIsolation, []))[0]?.isolation ?? '';
      });
      expect(isolation).toBe(declared.isolation);
    });

    test('ends by its deadline while another holds the key', async () => {
      const id = await freshId();
      const gate = new Gate();
      const holder = serve(open, id, () => gate.pass());
      await gate.arrived;
      const rival = openEngine(urlsOf(), { waitMs: 300 });
      try {
        // bounded by the test's own limit: without a deadline the rival would wait for the gate
        const outcome = await serve(rival, id);
        if (excludes) expect(outcome.kind).toBe('busy');
        else expect(['accepted', 'busy', ...(skips ? ['refused'] : [])]).toContain(outcome.kind);
        expect(await effectsOf(open.store.query, id)).toBe(outcome.kind === 'accepted' ? 1 : 0);
      } finally {
        gate.open();
        await holder;
        await rival.close();
      }
    });

    const law = excludes ? test : undefined; // the others let rivals in and refuse them later
    law?.('never lets two engines into the work on one key', async () => {
      const id = await freshId();
      const other = openEngine(urlsOf());
      let inside = 0;
      let insideMax = 0;
      const work = async (tx: Tx): Promise<void> => {
        inside += 1;
        insideMax = Math.max(insideMax, inside);
        await tx.query(sql`select pg_sleep(0.002)`, []);
        inside -= 1;
      };
      try {
        const rivals = Array.from({ length: 12 }, (_, n) => serve(n % 2 ? open : other, id, work));
        const outcomes = await Promise.all(rivals);
        // a lock node that is not heard in time refuses, whoever holds the key
        const heard = outcomes.filter(({ detail }) => detail !== 'redis-unavailable');
        const kinds = new Set(heard.map(outcome => outcome.kind));
        // whoever does not wait for the turn is told busy; the others all get it
        if (declared.adoption.retryNeeded) kinds.delete('busy');
        expect([...kinds]).toEqual(['accepted']);
        expect(insideMax).toBe(1);
      } finally {
        await other.close();
      }
    });

    test('leaves no connection, advisory lock or key behind', async () => {
      const ids = await Promise.all(Array.from({ length: 10 }, freshId));
      await Promise.all(ids.map(id => serve(open, id)));
      const { open: opened, idle, waiting } = open.store.load;
      expect({ busy: opened - idle, waiting }).toEqual({ busy: 0, waiting: 0 });
      if (declared.store === 'sequelize')
        expect(open.sequelize.opened?.load).toEqual({ busy: 0, waiting: 0 });
      else expect(open.sequelize.opened).toBeUndefined(); // opened by those who need it
      const idleLocks = open.backends.locks.totalCount - open.backends.locks.idleCount;
      expect(idleLocks).toBe(0);
      expect((await open.store.query(advisoryLocks, []))[0]?.held).toBe(0);
      for (const node of [open.backends.redis, ...open.backends.redisNodes]) {
        const left = async () => (await node.keys('lockstep:*law_counters/*')).filter(isOf(ids));
        await until('no key is left', async () => (await left()).length === 0, 20_000);
      }
    });
  });
}

const isOf =
  (ids: readonly string[]) =>
  (key: string): boolean =>
    ids.some(id => key.endsWith(`law_counters/${id}`));
