import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { auditOf, callRoute, toldOf, worded } from './commands.ts';
import { found, newInvoice, openPayout, paidTimes, pay, rowLock } from './payout-payments.ts';

/** What no lock can do: the money has left, and then something happens. */
const payout = await openPayout();
const serializable = worded('steps', { isolation: 'serializable' });
const deliver = () => callRoute(payout().open, payout().scenario, 'post', '/payment-deliveries');

describe('outside-effect-then-abort: the connection breaks between payment and record', () => {
  const endHolders = async (): Promise<void> => {
    await payout().session.run(`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction' and pid <> pg_backend_pid()`);
  };

  test('the retry pays again, although the row was locked', async () => {
    const id = await newInvoice(payout());
    payout().line.afterPayment(1, endHolders);
    const { recording } = payout().open;
    const before = recording.retriesAfterEffect;
    expect(await pay(payout(), id)).toMatchObject({ kind: 'accepted', attempts: 2 });
    expect(recording.retriesAfterEffect - before).toBe(1);
    expect(await paidTimes(payout(), id)).toBe(2);
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

describe('retry-reuses-side-effect: two pay, and one of them gets 40001', () => {
  test.each([
    ['plain', 2],
    ['idempotency-key', 1],
  ])('%s: the provider pays %i times', async (variant, times) => {
    const id = await newInvoice(payout());
    payout().line.together(2);
    const ends = await Promise.all([
      pay(payout(), id, variant, serializable),
      pay(payout(), id, variant, serializable),
    ]);
    expect(ends.map(toldOf).toSorted()).toEqual(['accepted', 'already paid']);
    expect(await paidTimes(payout(), id)).toBe(times);
    const kinds = (await auditOf(payout().open, payout().scenario, [id])).map(({ kind }) => kind);
    expect(kinds).toEqual(times === 1 ? [] : ['duplicate', 'inconsistent']);
  });
});

describe('an answer of the provider that does not come', () => {
  test('ends as unknown without a key: it has paid, and whoever asks again pays again', async () => {
    const id = await newInvoice(payout());
    payout().line.cutAnswer(1);
    expect(await pay(payout(), id)).toEqual({
      kind: 'unknown',
      detail: 'outcome-unknown',
      attempts: 1,
    });
    expect(await found(payout(), [id])).toEqual([
      'inconsistent: 1 payments of the provider are not in our books',
    ]);
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
