import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openEngine } from '../fixtures/engines.ts';
import { auditOf, callRoute, toldOf, worded } from './commands.ts';
import { found, newInvoice, openPayout, paidTimes, pay, rowLock } from './payout-payments.ts';

/** What no lock can do: the money has left, and then something happens. */
const payout = await openPayout();
const serializable = worded('steps', { isolation: 'serializable' });
const sentAndNotKept = { kind: 'unknown', detail: 'effect-unknown', attempts: 1 };
const unrecorded = ['inconsistent: 1 payments of the provider are not in our books'];
const deliver = () => callRoute(payout().open, payout().scenario, 'post', '/payment-deliveries');

describe('outside-effect-then-abort: the connection breaks between payment and record', () => {
  const endHolders = async (): Promise<void> => {
    await payout().session.run(`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction' and pid <> pg_backend_pid()`);
  };

  test('ends as unknown after one attempt: the money has left, and nobody sends it again', async () => {
    const id = await newInvoice(payout());
    payout().line.afterPayment(1, endHolders);
    const { recording } = payout().open;
    const before = recording.effectsWithoutRecord;
    expect(await pay(payout(), id)).toEqual(sentAndNotKept);
    expect(recording.effectsWithoutRecord - before).toBe(1);
    expect(recording.failures.at(-1)).toBe('connection-lost');
    expect(await found(payout(), [id])).toEqual(unrecorded);
  });

  test('whoever comes next pays again, although the row was locked', async () => {
    const id = await newInvoice(payout());
    payout().line.afterPayment(1, endHolders);
    await pay(payout(), id);
    expect(await pay(payout(), id)).toMatchObject({ kind: 'accepted' });
    expect((await found(payout(), [id]))[0]).toBe(
      'duplicate: the provider paid one invoice 2 times',
    );
  });

  test('with an idempotency key it is one payment', async () => {
    const id = await newInvoice(payout());
    payout().line.afterPayment(1, endHolders);
    expect(await pay(payout(), id, 'idempotency-key')).toMatchObject({
      kind: 'accepted',
      attempts: 2,
    });
    expect(await paidTimes(payout(), id)).toBe(1);
    expect(await found(payout(), [id])).toEqual([]);
  });
});

describe('retry-reuses-side-effect: two pay, and one of them cannot commit', () => {
  const bothPay = (id: string, variant: string, strategy: typeof rowLock) => {
    payout().line.together(2);
    return Promise.all([1, 2].map(() => pay(payout(), id, variant, strategy)));
  };

  test.each([
    ['a version that has moved on', worded('steps', { guard: ['compare version'] })],
    ['40001', serializable],
  ])('%s: the one that paid for nothing is not told that nothing happened', async (_, strategy) => {
    const id = await newInvoice(payout());
    const ends = await bothPay(id, 'plain', strategy);
    expect(ends.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))).toEqual([
      { kind: 'accepted', detail: expect.any(String), attempts: 1 },
      sentAndNotKept,
    ]);
    expect(await paidTimes(payout(), id)).toBe(2);
    const kinds = (await auditOf(payout().open, payout().scenario, [id])).map(({ kind }) => kind);
    expect(kinds).toEqual(['duplicate', 'inconsistent']);
  });

  test('with an idempotency key it is tried again, and meets the payment of both', async () => {
    const id = await newInvoice(payout());
    const ends = await bothPay(id, 'idempotency-key', serializable);
    expect(ends.map(toldOf).toSorted()).toEqual(['accepted', 'already paid']);
    expect(await paidTimes(payout(), id)).toBe(1);
    expect(await found(payout(), [id])).toEqual([]);
  });
});

describe('a key on which something was sent outside', () => {
  test('is audited although its caller was told busy', async () => {
    const hurried = openEngine(payout().urls, { attemptsMax: 1 });
    try {
      const id = await newInvoice(payout());
      payout().line.together(2);
      const on = { ...payout(), open: hurried };
      const ends = await Promise.all(
        [1, 2].map(() => pay(on, id, 'idempotency-key', serializable)),
      );
      expect(ends.map(({ kind }) => kind).toSorted()).toEqual(['accepted', 'busy']);
      expect(hurried.recording.reached).toEqual([id, id]);
    } finally {
      await hurried.close();
    }
  });

  test('is not audited for a caller that sent nothing', async () => {
    const id = await newInvoice(payout());
    await pay(payout(), id);
    const { reached } = payout().open.recording;
    const before = reached.length;
    expect(toldOf(await pay(payout(), id))).toBe('already paid');
    expect(reached.length).toBe(before);
  });
});

describe('an answer of the provider that does not come', () => {
  test('ends as unknown without a key: it has paid, and whoever asks again pays again', async () => {
    const id = await newInvoice(payout());
    payout().line.cutAnswer(1);
    expect(await pay(payout(), id)).toEqual(sentAndNotKept);
    expect(await found(payout(), [id])).toEqual(unrecorded);
    await pay(payout(), id);
    expect(await paidTimes(payout(), id)).toBe(2);
  });

  test('is asked for again with a key', async () => {
    const id = await newInvoice(payout());
    payout().line.cutAnswer(1);
    expect(await pay(payout(), id, 'idempotency-key')).toMatchObject({
      kind: 'accepted',
      attempts: 1,
    });
    expect(await paidTimes(payout(), id)).toBe(1);
  });
});

const runBody = z.object({ invoices: z.array(z.object({ id: z.string(), pay: z.string() })) });

describe('runs', () => {
  const listed = async (payee: string): Promise<string[]> => {
    const { body } = await callRoute(payout().open, payout().scenario, 'post', '/payout-runs', {
      body: { payee },
    });
    return runBody.parse(body).invoices.map(({ id }) => id);
  };
  const overlapping = async (strategy: typeof rowLock): Promise<string[]> => {
    const payee = randomUUID();
    const ids = [
      await newInvoice(payout(), payee),
      await newInvoice(payout(), payee),
      await newInvoice(payout(), payee),
    ];
    const lists = [await listed(payee), await listed(payee)];
    expect(lists).toEqual([ids, ids]);
    const serve = async (list: readonly string[]): Promise<void> => {
      for (const id of list) await pay(payout(), id, 'plain', strategy);
    };
    if (strategy.guard.length === 0) payout().line.together(2);
    await Promise.all(lists.map(serve));
    return found(payout(), ids);
  };

  test('that overlap pay what is on both lists twice', async () => {
    expect(await overlapping(worded('steps'))).toContain(
      'duplicate: the provider paid one invoice 2 times',
    );
  });

  test('that lock each invoice and look again pay once, however old the list is', async () => {
    expect(await overlapping(rowLock)).toEqual([]);
    const payee = randomUUID();
    const id = await newInvoice(payout(), payee);
    const stale = await listed(payee);
    await pay(payout(), id);
    expect(await listed(payee)).toEqual([]);
    for (const old of stale) expect(toldOf(await pay(payout(), old))).toBe('already paid');
    expect(await paidTimes(payout(), id)).toBe(1);
  });
});

describe('the outbox', () => {
  test('is sent by the relay, once', async () => {
    const id = await newInvoice(payout());
    await pay(payout(), id, 'outbox');
    expect(await paidTimes(payout(), id)).toBe(0);
    await Promise.all([deliver(), deliver()]);
    expect(await paidTimes(payout(), id)).toBe(1);
    expect(await found(payout(), [id])).toEqual([]);
    expect(toldOf(await pay(payout(), id, 'outbox'))).toBe('already paid');
  });

  test('is paid once although the relay dies after the payment', async () => {
    const id = await newInvoice(payout());
    await pay(payout(), id, 'outbox');
    const route = payout().scenario.registered.routes.find(
      ({ path }) => path === '/payment-deliveries',
    );
    const died = payout().open.store.transact(async query => {
      await route?.handle({ params: {}, body: undefined }, query);
      throw new Error('the relay dies');
    });
    await expect(died).rejects.toThrow('the relay dies');
    expect(await paidTimes(payout(), id)).toBe(1);
    await deliver();
    expect(await paidTimes(payout(), id)).toBe(1);
    expect(await found(payout(), [id])).toEqual([]);
  });
});
