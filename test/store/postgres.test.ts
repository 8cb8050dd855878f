import { describe, expect, test } from 'vitest';
import { sql } from '../../src/contract/index.ts';
import rowLock from '../../strategies/row-lock.ts';
import uniqueSlots from '../../strategies/unique-slots.ts';
import { Gate } from '../fixtures/gate.ts';
import { realTime } from '../fixtures/real-time.ts';
import { effectsOf } from '../laws/counter.ts';
import { storeCases, storeRig } from './store-rig.ts';

const rig = await storeRig(rowLock);
const { direct, engine, throughProxy, freshId, serve } = rig;

describe('the Postgres store', () => {
  storeCases(rig, 'commit\0');

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

  test('a statement that was sent with a BEGIN that is refused may have happened', async () => {
    const id = await freshId();
    const transaction = await direct.begin({
      // @ts-expect-error: a BEGIN that Postgres refuses, as a standby refuses SERIALIZABLE
      isolation: 'no such level',
      guard: [],
      first: [],
      keys: [],
      autocommit: false,
      isLost: () => false,
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
      isLost: () => false,
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
});
