import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PredictionReason, predict, type Tx } from '../../src/contract/index.ts';
import type { BulkheadLimits } from '../../src/engine/bulkhead.ts';
import type { RegisteredStrategy } from '../../src/engine/registry.ts';
import { type EngineUrls, type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { Session, waitersSql } from '../fixtures/session.ts';
import { counterScenario, effectsOf, makeCounter } from './counter.ts';

/** The reasons for which a rival has to wait until the key is free. */
const locked: ReadonlySet<PredictionReason> = new Set([
  'locked before check',
  'locked before snapshot',
  'session held',
  'lease held',
  'one process',
]);

const bulkhead: BulkheadLimits = {
  connections: { work: 10, locks: 10 },
  waitersPerKey: 1_000,
  commandsMax: 4_000,
};
const waitersCount = 500;
const coldCount = 20;

/** Whether a rival waits for the key. */
export function waitsForKey({ declared }: RegisteredStrategy): boolean {
  const { variants } = counterScenario(new Map());
  if (!variants.plain) throw new Error('the counter has a plain variant');
  const { verdict, reason } = predict(declared, variants.plain, new Set());
  const waits = !declared.guard.some(guard => /nowait|skip locked/.test(guard));
  const asks = !declared.adoption.retryNeeded; // and does not go away at once
  return verdict === 'safe' && locked.has(reason) && waits && asks;
}

/** What holds for those who wait, for every strategy that lets them wait. */
export function waiterLaws(strategy: RegisteredStrategy, urlsOf: () => EngineUrls): void {
  const { name, declared } = strategy;
  const works = new Map<string, (tx: Tx) => Promise<void>>();
  const registered = counterScenario(works);
  let open: OpenEngine;
  let watch: Session;

  const serve = (id: string, left?: AbortSignal, work?: (tx: Tx) => Promise<void>, on = open) => {
    const workId = randomUUID();
    if (work) works.set(workId, work);
    return on.engine
      .serve({
        scenario: { name: 'counter', registered },
        variant: 'plain',
        strategy: { name, declared },
        commandId: randomUUID(),
        input: { params: { id, work: workId }, body: {} },
        ...(left && { left }),
      })
      .then(served => served.outcome);
  };

  /** Runs `inside` while a command holds the key. */
  const whileHeld = async (inside: (id: string) => Promise<void>): Promise<void> => {
    const id = await makeCounter(open.store.query);
    const gate = new Gate();
    const holder = serve(id, undefined, () => gate.pass());
    await gate.arrived;
    try {
      await inside(id);
    } finally {
      gate.open();
    }
    expect(await holder).toMatchObject({ kind: 'accepted' });
    expect(await effectsOf(open.store.query, id)).toBe(1);
    expect(await serve(id)).toMatchObject({ kind: 'accepted' });
  };

  describe(name, () => {
    beforeAll(async () => {
      watch = await Session.open(urlsOf().databaseUrl);
    });
    afterAll(() => watch.close());

    test('client-gone: a waiter whose caller has left gives everything up while the key is held', async () => {
      open = openEngine(urlsOf());
      try {
        await whileHeld(async id => {
          const left = new AbortController();
          const waiter = serve(id, left.signal);
          // a lock that is not in Postgres is not seen to be waited for: then it has asked by now
          const startMs = performance.now();
          const asked = async () =>
            Number(await watch.value(waitersSql)) > 0 || performance.now() - startMs > 200;
          await until('the waiter waits', asked);
          left.abort();
          expect(await waiter).toMatchObject({ kind: 'busy', detail: 'caller-left' });
          await until('no backend waits', async () => (await watch.value(waitersSql)) === 0);
          const { open: connections, idle, waiting } = open.store.load;
          expect(waiting).toBe(0);
          const inWork = declared.store === 'pg' ? 1 : 0; // of the holder
          expect(connections - idle).toBe(inWork);
        });
        expect(open.recording.failures).toEqual(['caller-left']);
      } finally {
        await open.close();
      }
    });

    // a lock on the whole table is one on every key
    const law = declared.guard.includes('lock table') ? undefined : test;
    law?.('hot-key-starves-cold: other keys are served while 500 wait for one', async () => {
      open = openEngine(urlsOf(), {}, bulkhead);
      try {
        await whileHeld(async id => {
          const left = new AbortController();
          const waiters = Array.from({ length: waitersCount }, () => serve(id, left.signal));
          for (let cold = 0; cold < coldCount; cold += 1) {
            const other = await makeCounter(open.store.query);
            expect(await serve(other)).toMatchObject({ kind: 'accepted', attempts: 1 });
          }
          expect(open.engine.waiting).toBeGreaterThan(waitersCount - 10);
          left.abort();
          const details = new Set((await Promise.all(waiters)).map(({ detail }) => detail));
          expect([...details]).toEqual(['caller-left']);
          expect(open.engine.waiting).toBe(0);
        });
      } finally {
        await open.close();
      }
    });
  });
}
