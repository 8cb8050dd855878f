import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Judge } from '../../bench/lab/audit.ts';
import { createPool } from '../../src/store/postgres.ts';
import { AdHocAudits } from '../../src/telemetry/ad-hoc-audit.ts';
import { auditOf, toldOf, worded } from './commands.ts';
import { found, newInvoice, openPayout, paidTimes, pay, rowLock } from './payout-payments.ts';

const payout = await openPayout();

describe('the wordings', () => {
  test('of both cures agree with the model, whichever wrote before', async () => {
    const offered = ['idempotency-key', 'outbox'].flatMap(variant =>
      (payout().scenario.registered.variants[variant]?.wordings ?? []).map(wording => ({
        variant,
        wording,
      })),
    );
    expect(offered.map(({ wording }) => wording)).toEqual([
      'steps',
      'conditional update',
      'steps',
      'conditional update',
    ]);
    const commands = fc.array(
      fc.constantFrom(...offered, { variant: 'plain', wording: 'steps' as const }),
      {
        minLength: 1,
        maxLength: 5,
      },
    );
    const agrees = fc.asyncProperty(commands, async drawn => {
      const id = await newInvoice(payout());
      let state: 'due' | 'already paid' | 'already ordered' = 'due';
      for (const { variant, wording } of drawn) {
        const told = toldOf(await pay(payout(), id, variant, worded(wording)));
        expect({ variant, wording, told }).toEqual({
          variant,
          wording,
          told: state === 'due' ? 'accepted' : state,
        });
        if (state === 'due') state = variant === 'outbox' ? 'already ordered' : 'already paid';
      }
      expect(await found(payout(), [id], { refusedKeys: [id] })).toEqual([]);
      expect(await paidTimes(payout(), id)).toBe(state === 'already paid' ? 1 : 0);
    });
    await fc.assert(agrees, { numRuns: 40 });
  });
});

describe('the audit', () => {
  const sent = (id: string) =>
    `insert into payment_provider.payments (invoice_id, amount_cents, command_id)
     values (${id}, 4200, gen_random_uuid())`;
  const kept = (id: string) =>
    `insert into payments (invoice_id, provider_payment_id, command_id)
     select ${id}, max(id), gen_random_uuid() from payment_provider.payments`;
  const ordered = (id: string) =>
    `insert into payment_orders (invoice_id, command_id) values (${id}, gen_random_uuid())`;
  const marked = (id: string, status: string) =>
    `update invoices set status = '${status}' where id = ${id}`;

  const planted: readonly [string, (id: string) => readonly string[], readonly string[]][] = [
    [
      'two payments of the provider',
      id => [sent(id), kept(id), sent(id), marked(id, 'paid')],
      [
        'duplicate: the provider paid one invoice 2 times',
        'inconsistent: 1 payments of the provider are not in our books',
      ],
    ],
    [
      'one payment recorded twice',
      id => [sent(id), kept(id), kept(id), marked(id, 'paid')],
      ['duplicate: our books hold 2 payments of one invoice'],
    ],
    [
      'two orders in the outbox',
      id => [ordered(id), ordered(id), marked(id, 'ordered')],
      ['duplicate: 2 orders to pay one invoice: the relay sends them all'],
    ],
    [
      'an invoice that is marked and was not paid',
      id => [marked(id, 'paid')],
      [
        'inconsistent: marked as paid, but the provider has not paid',
        'inconsistent: the invoice is paid, but our books hold 0 payments and 0 orders',
      ],
    ],
    [
      'a record of a payment that the provider has not made',
      id => [
        marked(id, 'paid'),
        `insert into payments (invoice_id, provider_payment_id, command_id)
         values (${id}, 0, gen_random_uuid())`,
      ],
      [
        'inconsistent: 1 payments in our books were not made by the provider',
        'inconsistent: marked as paid, but the provider has not paid',
      ],
    ],
    [
      'a state that fits no record',
      id => [sent(id), kept(id)],
      ['inconsistent: the invoice is due, but our books hold 1 payments and 0 orders'],
    ],
  ];
  test.each(planted)('finds %s', async (_title, statements, expected) => {
    const id = await newInvoice(payout());
    await payout().session.run(...statements(id));
    expect(await found(payout(), [id])).toEqual(expected);
  });

  test('finds an acknowledged payment that is not there, and a refusal of what is due', async () => {
    const id = await newInvoice(payout());
    const claimed = { acknowledged: [[id, randomUUID()]] as const, refusedKeys: [id] };
    const kinds = (await auditOf(payout().open, payout().scenario, [id], claimed)).map(
      ({ kind }) => kind,
    );
    expect(kinds).toEqual(['false refusal', 'lost acknowledgement']);
  });

  test('asks the provider too what a denied command did', async () => {
    const id = await newInvoice(payout());
    const commandId = randomUUID();
    const denied = async () => {
      const { auditSql } = payout().scenario;
      const claims = {
        keys: [],
        acknowledged: [],
        refusedKeys: [],
        denied: [{ key: id, commandId }],
      };
      const judge = await Judge.open(payout().urls.databaseUrl, auditSql);
      const { violations } = await judge.audit(claims, true);
      await judge.close();
      const pool = createPool({
        url: payout().urls.databaseUrl,
        connectionsMax: 1,
        lockTimeoutMs: 1_000,
      });
      const onRequest = new AdHocAudits(pool);
      expect((await onRequest.run(auditSql, claims)).violations).toEqual(violations);
      await onRequest.close();
      return violations;
    };
    expect(await denied()).toEqual([]);
    await payout().session.run(
      `insert into payment_provider.payments (invoice_id, amount_cents, command_id)
       values (${id}, 4200, '${commandId}')`,
    );
    const detail = '1 commands were answered as having no effect but took effect';
    expect(await denied()).toEqual([{ key: id, kind: 'inconsistent', excess: 1, detail }]);
    await payout().session.run(kept(id), marked(id, 'paid')); // another command recorded it
    expect(await denied()).toEqual([]);
  });

  test('finds nothing where a command was acknowledged and is there', async () => {
    for (const variant of ['plain', 'idempotency-key', 'outbox']) {
      const id = await newInvoice(payout());
      const commandId = randomUUID();
      await pay(payout(), id, variant, rowLock, commandId);
      const claimed = { acknowledged: [[id, commandId]] as const, refusedKeys: [id] };
      expect(await found(payout(), [id], claimed)).toEqual([]);
    }
  });
});

describe('the provider', () => {
  const ask = (invoiceId: string, amountCents: string, key?: string) =>
    fetch(`${payout().provider.url}/payments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) },
      body: JSON.stringify({ invoiceId, amountCents, commandId: randomUUID() }),
    });

  test('pays as often as it is asked without a key', async () => {
    const id = await newInvoice(payout());
    expect([(await ask(id, '1')).status, (await ask(id, '1')).status]).toEqual([201, 201]);
    expect(await paidTimes(payout(), id)).toBe(2);
  });

  test('pays once for one key, also at once, and refuses another payload', async () => {
    const id = await newInvoice(payout());
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(id, '1', key)));
    const ids = await Promise.all(answers.map(answer => answer.text()));
    expect(new Set(ids).size).toBe(1);
    expect(await paidTimes(payout(), id)).toBe(1);
    expect((await ask(id, '2', key)).status).toBe(422);
  });

  test('refuses what is no order', async () => {
    expect((await ask('1', 'x'.repeat(5_000))).status).toBe(413);
    const odd = await fetch(`${payout().provider.url}/payments`, { method: 'POST', body: '{}' });
    expect(odd.status).toBe(400);
  });
});
