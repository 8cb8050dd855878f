import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Strategy } from '../../src/contract/index.ts';
import { KeyRefused } from '../../src/engine/idempotency.ts';
import { openEngine } from '../fixtures/engines.ts';
import { Gate, until } from '../fixtures/gate.ts';
import { waitersSql } from '../fixtures/session.ts';
import { worded } from './commands.ts';
import { found, newInvoice, openPayout, paidTimes, rowLock } from './payout-payments.ts';

/** What an Idempotency-Key of ours is worth where the provider honours none. */
const payout = await openPayout();

interface Sent {
  readonly id: string;
  readonly key: string;
  readonly fingerprint?: string;
  readonly strategy?: Strategy;
  readonly on?: ReturnType<typeof openEngine>;
  readonly left?: AbortSignal;
}

function pay({ id, key, fingerprint = 'same', strategy = rowLock, on, left }: Sent) {
  const { open, scenario } = payout();
  return (on ?? open).engine.serve({
    scenario,
    variant: 'plain',
    strategy: { name: 'tried', declared: strategy },
    commandId: randomUUID(),
    input: { params: { id }, body: {} },
    idempotency: { key, fingerprint },
    ...(left && { left }),
  });
}

const refusalOf = (served: Promise<unknown>): Promise<unknown> =>
  served.then(
    () => 'served',
    error => (error instanceof KeyRefused ? error.reason : error),
  );

const fresh = async () => ({ id: await newInvoice(payout()), key: randomUUID() });

/** The transaction that paid is ended by the server, before it could record the payment. */
const endHolders = (): Promise<void> =>
  payout().session.run(`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and state = 'idle in transaction' and pid <> pg_backend_pid()`);

describe('a key of a payment', () => {
  test('that was recorded gives the first answer again', async () => {
    const sent = await fresh();
    const first = await pay(sent);
    const again = await pay(sent);
    expect(first.outcome).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(again).toMatchObject({ outcome: first.outcome, replayed: {} });
    expect(await refusalOf(pay({ ...sent, fingerprint: 'other' }))).toBe('another payload');
    expect(await paidTimes(payout(), sent.id)).toBe(1);
  });

  test('that left and was not recorded pays no second time: the answer is again unknown', async () => {
    const sent = await fresh();
    payout().line.afterPayment(1, endHolders);
    const first = await pay(sent);
    expect(first.outcome).toEqual({ kind: 'unknown', detail: 'effect-unknown', attempts: 1 });
    const again = await pay(sent);
    expect(again).toMatchObject({ outcome: first.outcome, auditKey: sent.id, replayed: {} });
    expect(await refusalOf(pay({ ...sent, fingerprint: 'other' }))).toBe('another payload');
    expect(await paidTimes(payout(), sent.id)).toBe(1);
  });

  test('is free again when the command ended before anything had left', async () => {
    const sent = await fresh();
    const hurried = openEngine(payout().urls, { waitMs: 200 });
    try {
      await payout().session.run('begin', `select from invoices where id = ${sent.id} for update`);
      const first = await pay({ ...sent, on: hurried });
      expect(first.outcome).toMatchObject({ kind: 'busy', detail: 'lock-not-available' });
      await payout().session.run('commit');
      const again = await pay(sent);
      expect(again.outcome).toMatchObject({ kind: 'accepted' });
      expect(again.replayed).toBeUndefined();
    } finally {
      await hurried.close();
    }
  });

  test('whose caller left while it waited is free again, and nothing was paid', async () => {
    const sent = await fresh();
    const left = new AbortController();
    await payout().session.run('begin', `select from invoices where id = ${sent.id} for update`);
    const first = pay({ ...sent, left: left.signal });
    await until('it waits', async () => (await payout().session.value(waitersSql)) === 1);
    left.abort();
    expect((await first).outcome).toMatchObject({ kind: 'busy', detail: 'caller-left' });
    expect(await paidTimes(payout(), sent.id)).toBe(0);
    await payout().session.run('commit');
    const again = await pay(sent);
    expect(again.outcome).toMatchObject({ kind: 'accepted' });
    expect(again.replayed).toBeUndefined();
    expect(await paidTimes(payout(), sent.id)).toBe(1);
  });

  test('whose caller left after the payment was sent is recorded, and answered on asking again', async () => {
    const sent = await fresh();
    const left = new AbortController();
    payout().line.afterPayment(1, async () => left.abort());
    const first = await pay({ ...sent, left: left.signal });
    expect(first.outcome).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect(await pay(sent)).toMatchObject({ outcome: first.outcome, replayed: {} });
    expect(await paidTimes(payout(), sent.id)).toBe(1);
  });

  test('is in flight while its command runs', async () => {
    const sent = await fresh();
    const gate = new Gate();
    payout().line.afterPayment(1, () => gate.pass());
    const first = pay(sent);
    await gate.arrived;
    expect(await refusalOf(pay(sent))).toBe('in flight');
    gate.open();
    expect((await first).outcome.kind).toBe('accepted');
  });

  test('sent many times at once pays once', async () => {
    for (const strategy of [rowLock, worded('steps', { isolation: 'serializable' })]) {
      const sent = { ...(await fresh()), strategy };
      const told = await Promise.allSettled(Array.from({ length: 12 }, () => pay(sent)));
      const kinds = told.map(one =>
        one.status === 'fulfilled' ? one.value.outcome.kind : one.reason.reason,
      );
      expect(new Set(kinds)).toEqual(
        new Set([...kinds.filter(kind => kind === 'in flight'), 'accepted']),
      );
      expect(await paidTimes(payout(), sent.id)).toBe(1);
      expect(await found(payout(), [sent.id])).toEqual([]);
    }
  });

  test('whose process died is in flight for as long as it could run, and then unknown', async () => {
    const sent = await fresh();
    const left = `insert into lockstep_idempotency_keys (key, fingerprint, command_id)
      values ('${sent.key}', 'same', '${randomUUID()}')`;
    await payout().session.run(left);
    expect(await refusalOf(pay(sent))).toBe('in flight');
    await payout().session.run(
      `update lockstep_idempotency_keys set created_at = now() - interval '66 s'
        where key = '${sent.key}'`,
    );
    expect(await pay(sent)).toMatchObject({
      outcome: { kind: 'unknown', detail: 'effect-unknown', attempts: 0 },
      auditKey: sent.id,
    });
    expect(await paidTimes(payout(), sent.id)).toBe(0);
  });
});
